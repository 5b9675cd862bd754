#include "bridge/api/routes.h"

#include "bridge/api/admin.h"
#include "bridge/api/audit.h"
#include "bridge/api/auth.h"
#include "bridge/api/contacts.h"
#include "bridge/api/devices.h"
#include "bridge/api/document.h"
#include "bridge/api/invites.h"
#include "bridge/api/members.h"
#include "bridge/api/messages.h"
#include "bridge/api/oidc_sign_in.h"
#include "bridge/api/rooms.h"
#include "bridge/api/tokens.h"
#include "bridge/api/users.h"

namespace parley::api {
namespace {

using http::Method;

// clang-format off
constexpr Route kRoutes[] = {
    // Sign-in
    {Method::post, "/api/v1/auth/register", Access::open, Scope::none, &register_user, Lane::password},
    {Method::post, "/api/v1/auth/login", Access::open, Scope::none, &login, Lane::password},
    {Method::post, "/api/v1/auth/refresh", Access::open, Scope::none, &refresh},
    {Method::post, "/api/v1/auth/logout", Access::optional, Scope::none, &logout},
    {Method::post, "/api/v1/auth/logout-all", Access::account, Scope::none, &logout_all},
    {Method::get, "/api/v1/auth/jwks", Access::open, Scope::none, &get_jwks},
    {Method::get, "/api/v1/auth/oidc", Access::open, Scope::none, &list_providers},
    {Method::post, "/api/v1/auth/oidc/register", Access::open, Scope::none, &register_oidc},
    {Method::get, "/api/v1/auth/oidc/{provider}/start", Access::open, Scope::none, &start_oidc},
    {Method::get, "/api/v1/auth/oidc/{provider}/callback", Access::open, Scope::none, &finish_oidc},

    // Accounts
    {Method::get, "/api/v1/users/me", Access::user, Scope::token, &get_me},
    {Method::patch, "/api/v1/users/me", Access::user, Scope::profile_write, &change_me},
    {Method::del, "/api/v1/users/me", Access::account, Scope::none, &delete_me},
    {Method::put, "/api/v1/users/me/password", Access::account, Scope::none, &change_password, Lane::password},
    {Method::post, "/api/v1/users/me/identities", Access::account, Scope::none, &link_oidc},
    {Method::get, "/api/v1/users/me/sessions", Access::account, Scope::none, &list_sessions},
    {Method::del, "/api/v1/users/me/sessions/{sid}", Access::account, Scope::none, &end_session},
    {Method::get, "/api/v1/users/me/tokens", Access::account, Scope::none, &list_tokens},
    {Method::post, "/api/v1/users/me/tokens", Access::account, Scope::none, &create_token},
    {Method::del, "/api/v1/users/me/tokens/{token}", Access::account, Scope::none, &delete_token},
    {Method::get, "/api/v1/users/me/bots", Access::account, Scope::none, &list_bots},
    {Method::post, "/api/v1/users/me/bots", Access::account, Scope::none, &create_bot},
    {Method::del, "/api/v1/users/me/bots/{user}", Access::account, Scope::none, &delete_bot},
    {Method::get, "/api/v1/users/search", Access::user, Scope::contacts_write, &search_users},
    {Method::get, "/api/v1/users/{user}", Access::user, Scope::token, &get_user},
    {Method::get, "/api/v1/devices", Access::user, Scope::push_write, &list_devices},
    {Method::post, "/api/v1/devices", Access::user, Scope::push_write, &put_device},
    {Method::del, "/api/v1/devices/{device}", Access::user, Scope::push_write, &delete_device},
    {Method::get, "/api/v1/connect", Access::user, Scope::token, &get_connect},

    // Rooms
    {Method::get, "/api/v1/rooms", Access::user, Scope::token, &list_rooms},
    {Method::post, "/api/v1/rooms", Access::user, Scope::rooms_write, &create_room},
    {Method::get, "/api/v1/rooms/{room}", Access::user, Scope::token, &get_room},
    {Method::patch, "/api/v1/rooms/{room}", Access::user, Scope::rooms_write, &change_room},
    {Method::del, "/api/v1/rooms/{room}", Access::user, Scope::rooms_write, &delete_room},
    {Method::post, "/api/v1/rooms/{room}/join", Access::user, Scope::rooms_write, &join_room},
    {Method::post, "/api/v1/rooms/{room}/leave", Access::user, Scope::rooms_write, &leave_room},
    {Method::put, "/api/v1/rooms/{room}/mute", Access::user, Scope::rooms_write, &mute_room},

    // Members
    {Method::get, "/api/v1/rooms/{room}/members", Access::user, Scope::token, &list_members},
    {Method::post, "/api/v1/rooms/{room}/members", Access::user, Scope::rooms_write, &add_member},
    {Method::get, "/api/v1/rooms/{room}/members/{user}", Access::user, Scope::token, &get_member},
    {Method::patch, "/api/v1/rooms/{room}/members/{user}", Access::user, Scope::rooms_write, &change_member},
    {Method::del, "/api/v1/rooms/{room}/members/{user}", Access::user, Scope::rooms_write, &remove_member},
    {Method::get, "/api/v1/rooms/{room}/bans", Access::user, Scope::rooms_write, &list_bans},
    {Method::del, "/api/v1/rooms/{room}/bans/{user}", Access::user, Scope::rooms_write, &lift_ban},

    // Invites
    {Method::get, "/api/v1/rooms/{room}/invites", Access::user, Scope::rooms_write, &list_invites},
    {Method::post, "/api/v1/rooms/{room}/invites", Access::user, Scope::rooms_write, &create_invite},
    {Method::del, "/api/v1/rooms/{room}/invites/{code}", Access::user, Scope::rooms_write, &revoke_invite},
    {Method::get, "/api/v1/invites/{code}", Access::user, Scope::rooms_write, &get_invite},
    {Method::post, "/api/v1/invites/{code}/accept", Access::user, Scope::rooms_write, &accept_invite},

    // Contacts and blocks
    {Method::get, "/api/v1/users/me/contacts", Access::user, Scope::contacts_write, &list_contacts},
    {Method::put, "/api/v1/users/me/contacts/{user}", Access::user, Scope::contacts_write, &put_contact},
    {Method::del, "/api/v1/users/me/contacts/{user}", Access::user, Scope::contacts_write, &remove_contact},
    {Method::get, "/api/v1/users/me/blocks", Access::user, Scope::contacts_write, &list_blocks},
    {Method::put, "/api/v1/users/{user}/block", Access::user, Scope::contacts_write, &block_user},
    {Method::del, "/api/v1/users/{user}/block", Access::user, Scope::contacts_write, &unblock_user},

    // Messages
    {Method::post, "/api/v1/rooms/{room}/messages", Access::user, Scope::token, &send_message},
    {Method::patch, "/api/v1/rooms/{room}/messages/{message}", Access::user, Scope::token, &edit_message},
    {Method::del, "/api/v1/rooms/{room}/messages/{message}", Access::user, Scope::token, &delete_message},
    {Method::put, "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", Access::user, Scope::token, &react},
    {Method::del, "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", Access::user, Scope::token, &unreact},
    {Method::put, "/api/v1/rooms/{room}/messages/{message}/pin", Access::user, Scope::token, &pin_message},
    {Method::del, "/api/v1/rooms/{room}/messages/{message}/pin", Access::user, Scope::token, &unpin_message},

    // Administration
    {Method::get, "/api/v1/admin/users", Access::admin, Scope::none, &admin_list_users},
    {Method::get, "/api/v1/admin/users/{user}", Access::admin, Scope::none, &admin_get_user},
    {Method::patch, "/api/v1/admin/users/{user}", Access::admin, Scope::none, &admin_change_user},
    {Method::get, "/api/v1/admin/users/{user}/sessions", Access::admin, Scope::none, &admin_list_sessions},
    {Method::del, "/api/v1/admin/users/{user}/sessions", Access::admin, Scope::none, &admin_end_sessions},
    {Method::del, "/api/v1/admin/users/{user}/sessions/{sid}", Access::admin, Scope::none, &admin_end_session},
    {Method::get, "/api/v1/admin/rooms", Access::admin, Scope::none, &admin_list_rooms},
    {Method::patch, "/api/v1/admin/rooms/{room}", Access::admin, Scope::none, &admin_change_room},
    {Method::del, "/api/v1/admin/rooms/{room}", Access::admin, Scope::none, &admin_delete_room},
    {Method::get, "/api/v1/admin/limits", Access::admin, Scope::none, &admin_list_limits},
    {Method::put, "/api/v1/admin/limits/{name}", Access::admin, Scope::none, &admin_put_limits},
    {Method::del, "/api/v1/admin/limits/{name}", Access::admin, Scope::none, &admin_remove_limits},
    {Method::get, "/api/v1/admin/broker", Access::admin, Scope::none, &admin_broker},
    {Method::post, "/api/v1/admin/broker/kick", Access::admin, Scope::none, &admin_kick},
    {Method::get, "/api/v1/admin/audit", Access::admin, Scope::none, &admin_audit},

    // This document
    {Method::get, "/api/v1/openapi.json", Access::open, Scope::none, &get_document},
    {Method::get, "/api/v1/docs", Access::open, Scope::none, &get_docs},
    {Method::get, "/api/v1/docs.css", Access::open, Scope::none, &get_docs_css},
    {Method::get, "/api/v1/docs.js", Access::open, Scope::none, &get_docs_js},
};
// clang-format on

// Whether API tokens may call it, and with what, is said of each route that lets tokens of any role in.
constexpr bool scopes_are_stated() {
  for (const Route& route : kRoutes) {
    if ((route.access == Access::user) != (route.scope != Scope::none)) return false;
  }
  return true;
}
static_assert(scopes_are_stated());

}  // namespace

std::span<const Route> routes() { return kRoutes; }

}  // namespace parley::api
