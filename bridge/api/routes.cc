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
    {Method::post, "/api/v1/auth/register", Access::open, &register_user, Lane::password},
    {Method::post, "/api/v1/auth/login", Access::open, &login, Lane::password},
    {Method::post, "/api/v1/auth/refresh", Access::open, &refresh},
    {Method::post, "/api/v1/auth/logout", Access::user, &logout},
    {Method::post, "/api/v1/auth/logout-all", Access::account, &logout_all},
    {Method::get, "/api/v1/auth/jwks", Access::open, &get_jwks},
    {Method::get, "/api/v1/auth/oidc", Access::open, &list_providers},
    {Method::post, "/api/v1/auth/oidc/register", Access::open, &register_oidc},
    {Method::get, "/api/v1/auth/oidc/{provider}/start", Access::open, &start_oidc},
    {Method::get, "/api/v1/auth/oidc/{provider}/callback", Access::open, &finish_oidc},

    // Accounts
    {Method::get, "/api/v1/users/me", Access::user, &get_me},
    {Method::patch, "/api/v1/users/me", Access::user, &change_me},
    {Method::del, "/api/v1/users/me", Access::account, &delete_me},
    {Method::put, "/api/v1/users/me/password", Access::account, &change_password, Lane::password},
    {Method::post, "/api/v1/users/me/identities", Access::account, &link_oidc},
    {Method::get, "/api/v1/users/me/sessions", Access::account, &list_sessions},
    {Method::del, "/api/v1/users/me/sessions/{sid}", Access::account, &end_session},
    {Method::get, "/api/v1/users/me/tokens", Access::account, &list_tokens},
    {Method::post, "/api/v1/users/me/tokens", Access::account, &create_token},
    {Method::del, "/api/v1/users/me/tokens/{token}", Access::account, &delete_token},
    {Method::get, "/api/v1/users/me/bots", Access::account, &list_bots},
    {Method::post, "/api/v1/users/me/bots", Access::account, &create_bot},
    {Method::del, "/api/v1/users/me/bots/{user}", Access::account, &delete_bot},
    {Method::get, "/api/v1/users/search", Access::user, &search_users},
    {Method::get, "/api/v1/users/{user}", Access::user, &get_user},
    {Method::get, "/api/v1/devices", Access::user, &list_devices},
    {Method::post, "/api/v1/devices", Access::user, &put_device},
    {Method::del, "/api/v1/devices/{device}", Access::user, &delete_device},
    {Method::get, "/api/v1/connect", Access::user, &get_connect},

    // Rooms
    {Method::get, "/api/v1/rooms", Access::user, &list_rooms},
    {Method::post, "/api/v1/rooms", Access::user, &create_room},
    {Method::get, "/api/v1/rooms/{room}", Access::user, &get_room},
    {Method::patch, "/api/v1/rooms/{room}", Access::user, &change_room},
    {Method::del, "/api/v1/rooms/{room}", Access::user, &delete_room},
    {Method::post, "/api/v1/rooms/{room}/join", Access::user, &join_room},
    {Method::post, "/api/v1/rooms/{room}/leave", Access::user, &leave_room},
    {Method::put, "/api/v1/rooms/{room}/mute", Access::user, &mute_room},

    // Members
    {Method::get, "/api/v1/rooms/{room}/members", Access::user, &list_members},
    {Method::post, "/api/v1/rooms/{room}/members", Access::user, &add_member},
    {Method::get, "/api/v1/rooms/{room}/members/{user}", Access::user, &get_member},
    {Method::patch, "/api/v1/rooms/{room}/members/{user}", Access::user, &change_member},
    {Method::del, "/api/v1/rooms/{room}/members/{user}", Access::user, &remove_member},
    {Method::get, "/api/v1/rooms/{room}/bans", Access::user, &list_bans},
    {Method::del, "/api/v1/rooms/{room}/bans/{user}", Access::user, &lift_ban},

    // Invites
    {Method::get, "/api/v1/rooms/{room}/invites", Access::user, &list_invites},
    {Method::post, "/api/v1/rooms/{room}/invites", Access::user, &create_invite},
    {Method::del, "/api/v1/rooms/{room}/invites/{code}", Access::user, &revoke_invite},
    {Method::get, "/api/v1/invites/{code}", Access::user, &get_invite},
    {Method::post, "/api/v1/invites/{code}/accept", Access::user, &accept_invite},

    // Contacts and blocks
    {Method::get, "/api/v1/users/me/contacts", Access::user, &list_contacts},
    {Method::put, "/api/v1/users/me/contacts/{user}", Access::user, &put_contact},
    {Method::del, "/api/v1/users/me/contacts/{user}", Access::user, &remove_contact},
    {Method::get, "/api/v1/users/me/blocks", Access::user, &list_blocks},
    {Method::put, "/api/v1/users/{user}/block", Access::user, &block_user},
    {Method::del, "/api/v1/users/{user}/block", Access::user, &unblock_user},

    // Messages
    {Method::post, "/api/v1/rooms/{room}/messages", Access::user, &send_message},
    {Method::patch, "/api/v1/rooms/{room}/messages/{message}", Access::user, &edit_message},
    {Method::del, "/api/v1/rooms/{room}/messages/{message}", Access::user, &delete_message},
    {Method::put, "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", Access::user, &react},
    {Method::del, "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", Access::user, &unreact},
    {Method::put, "/api/v1/rooms/{room}/messages/{message}/pin", Access::user, &pin_message},
    {Method::del, "/api/v1/rooms/{room}/messages/{message}/pin", Access::user, &unpin_message},

    // Administration
    {Method::get, "/api/v1/admin/users", Access::admin, &admin_list_users},
    {Method::get, "/api/v1/admin/users/{user}", Access::admin, &admin_get_user},
    {Method::patch, "/api/v1/admin/users/{user}", Access::admin, &admin_change_user},
    {Method::get, "/api/v1/admin/users/{user}/sessions", Access::admin, &admin_list_sessions},
    {Method::del, "/api/v1/admin/users/{user}/sessions", Access::admin, &admin_end_sessions},
    {Method::del, "/api/v1/admin/users/{user}/sessions/{sid}", Access::admin, &admin_end_session},
    {Method::get, "/api/v1/admin/rooms", Access::admin, &admin_list_rooms},
    {Method::patch, "/api/v1/admin/rooms/{room}", Access::admin, &admin_change_room},
    {Method::del, "/api/v1/admin/rooms/{room}", Access::admin, &admin_delete_room},
    {Method::get, "/api/v1/admin/limits", Access::admin, &admin_list_limits},
    {Method::put, "/api/v1/admin/limits/{name}", Access::admin, &admin_put_limits},
    {Method::del, "/api/v1/admin/limits/{name}", Access::admin, &admin_remove_limits},
    {Method::get, "/api/v1/admin/broker", Access::admin, &admin_broker},
    {Method::post, "/api/v1/admin/broker/kick", Access::admin, &admin_kick},
    {Method::get, "/api/v1/admin/audit", Access::admin, &admin_audit},

    // This document
    {Method::get, "/api/v1/openapi.json", Access::open, &get_document},
    {Method::get, "/api/v1/docs", Access::open, &get_docs},
    {Method::get, "/api/v1/docs.css", Access::open, &get_docs_css},
    {Method::get, "/api/v1/docs.js", Access::open, &get_docs_js},
};
// clang-format on

}  // namespace

std::span<const Route> routes() { return kRoutes; }

}  // namespace parley::api
