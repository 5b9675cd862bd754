// Draws openapi.json. Text from the document enters the page as text only, never as markup.
'use strict';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

// make('p', {class: 'x'}, 'text', node, ...): an element with its children; null children are left out.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== '') element.append(child);
  }
  return element;
}

// `code` between backticks; everything else as it is.
function inline(text) {
  return text.split('`').map((part, i) => (i % 2 ? make('code', null, part) : part));
}

// Parts between empty lines; one that is indented is shown as it is.
function paragraphs(text) {
  return (text || '').split(/\n *\n/).filter(Boolean).map((part) =>
      part.startsWith('    ') ? make('pre', null, make('code', null, part.replace(/^ {4}/gm, ''))) : make('p', null, inline(part)));
}

class Page {
  constructor(document_) {
    this.api = document_;
    this.nav = document.getElementById('nav');
    this.main = document.getElementById('main');
    this.entries = [];  // {words, article, item, section, heading}: what the filter shows and hides
  }

  resolve(node) {
    for (let i = 0; node && node.$ref && i < 8; ++i) {
      node = node.$ref.slice(2).split('/').reduce((at, key) => at[key.replace(/~1/g, '/')], this.api);
    }
    return node || {};
  }

  draw() {
    document.getElementById('version').textContent = this.api.info.version;
    document.title = this.api.info.title;
    this.main.replaceChildren(make('section', {id: 'top'}, make('h1', null, this.api.info.title),
                                   paragraphs(this.api.info.description)));
    this.nav.replaceChildren();
    for (const tag of this.api.tags) this.drawTag(tag);
    this.none = make('p', {id: 'none', hidden: ''}, 'Nothing here has those words.');
    this.main.append(this.none);
  }

  drawTag(tag) {
    const section = make('section', {id: 'tag-' + tag.name}, make('h2', null, tag['x-title'] || tag.name),
                         paragraphs(tag.description));
    const heading = make('h2', null, make('a', {href: '#tag-' + tag.name}, tag['x-title'] || tag.name));
    const list = make('ul');
    for (const [path, item] of Object.entries(this.api.paths)) {
      for (const method of METHODS) {
        const operation = item[method];
        if (!operation || !(operation.tags || []).includes(tag.name)) continue;
        const parameters = [...(item.parameters || []), ...(operation.parameters || [])];
        const article = this.article(method, path, operation, parameters.map((p) => this.resolve(p)));
        const entry = make('li', null, make('a', {href: '#' + operation.operationId},
                                            make('span', {class: 'verb ' + method}, method.toUpperCase()),
                                            make('span', null, operation.summary)));
        section.append(article);
        list.append(entry);
        this.entries.push({words: [method, path, operation.summary, operation.description || ''].join(' ').toLowerCase(),
                           article, item: entry, section, heading});
      }
    }
    this.main.append(section);
    this.nav.append(heading, list);
  }

  article(method, path, operation, parameters) {
    const body = this.resolve(operation.requestBody);
    const link = make('a', {href: '#' + operation.operationId, 'aria-label': 'Link to this operation'}, '#');
    return make('article', {id: operation.operationId},
        make('h3', null, operation.summary),
        make('p', {class: 'route'}, make('span', {class: 'verb ' + method}, method.toUpperCase()), make('code', null, path),
             link),
        make('p', {class: 'access'}, this.access(operation)),
        paragraphs(operation.description),
        this.parameters(parameters),
        this.body(body),
        this.sample(method, path, operation, parameters, body),
        this.responses(operation.responses));
  }

  access(operation) {
    const security = operation.security || this.api.security || [];
    if (security.length === 0) return 'Anybody, without a token';
    if (operation['x-access'] === 'optional') return 'With a refresh token, or with an access token';
    if (operation['x-scope']) return 'With an access token; an API token needs the scope ' + operation['x-scope'];
    if (operation['x-access'] === 'account') return 'With an access token of somebody who signed in';
    return operation['x-access'] === 'admin' ? 'Server admins' : 'With an access token';
  }

  parameters(parameters) {
    if (parameters.length === 0) return null;
    const rows = parameters.map((p) => make('tr', null,
        make('td', null, make('code', null, p.name), p.required ? null : make('span', {class: 'optional'}, 'optional')),
        make('td', null, make('span', {class: 'soft'}, inline(p.in + ', ' + this.type(p.schema)))),
        make('td', null, paragraphs(p.description))));
    return [make('h4', null, 'Parameters'), make('table', null, make('tbody', null, rows))];
  }

  body(body) {
    if (!body.content) return null;
    const schema = body.content['application/json'].schema;
    return [make('h4', null, 'Body'), this.fields(schema, 'optional')];
  }

  // A short name of a type: string, integer 1..200, one of `a`, `b`, array of ...
  type(schema) {
    schema = this.resolve(schema);
    if (schema.oneOf || schema.anyOf) return (schema.oneOf || schema.anyOf).map((s) => this.type(s)).join(' or ');
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(', ');
    if (schema.type === 'array') return 'array of ' + this.type(schema.items);
    if (schema.allOf) return 'object';
    const type = Array.isArray(schema.type) ? schema.type.join(' or ') : schema.type || 'anything';
    const low = schema.minimum ?? schema.minLength;
    const high = schema.maximum ?? schema.maxLength;
    if (schema.pattern) return type + ' like `' + schema.pattern.replace(/^\^|\$$/g, '') + '`';
    const unit = schema.maxLength !== undefined || schema.minLength !== undefined ? ' characters' : '';
    if (low !== undefined && high !== undefined) return `${type}, ${low} to ${high}${unit}`;
    if (high !== undefined) return `${type}, to ${high}${unit}`;
    if (low !== undefined) return `${type}, from ${low}${unit}`;
    return type;
  }

  // Name, type and meaning of every member, those of objects inside indented below them; `absent` marks those that need not be
  // there.
  fields(schema, absent) {
    const rows = [];
    this.addFields(this.resolve(schema), 0, rows, absent);
    if (rows.length === 0) return make('p', {class: 'soft'}, inline(this.type(schema)));
    return make('table', null, make('tbody', null, rows));
  }

  addFields(schema, depth, rows, absent) {
    for (const part of schema.allOf || []) this.addFields(this.resolve(part), depth, rows, absent);
    if (schema.type === 'array') return this.addFields(this.resolve(schema.items), depth, rows, absent);
    for (const [name, raw] of Object.entries(schema.properties || {})) {
      const field = this.resolve(raw);
      const needed = (schema.required || []).includes(name);
      rows.push(make('tr', null,
          make('td', null, make('span', {class: 'inside'.repeat(depth > 0)}, make('code', null, name)),
               needed ? null : make('span', {class: 'optional'}, absent)),
          make('td', null, make('span', {class: 'soft'}, inline(this.type(field)))),
          make('td', null, paragraphs(raw.description || field.description))));
      if (depth < 1) this.addFields(field, depth + 1, rows, absent);
    }
  }

  sample(method, path, operation, parameters, body) {
    const filled = path.replace(/\{(\w+)\}/g, (all, name) => {
      const parameter = parameters.find((p) => p.name === name);
      return parameter && parameter.example !== undefined ? encodeURIComponent(parameter.example) : all;
    });
    const words = ['curl'];
    if (method !== 'get') words.push('-X ' + method.toUpperCase());
    const secured = (operation.security || this.api.security || []).length > 0;
    if (secured) words.push('-H "Authorization: Bearer $TOKEN"');
    if (body.content) {
      const example = body.content['application/json'].example;
      words.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(example ?? {})}'`);
    }
    words.push(`"${location.origin}${filled}"`);
    const text = words.join(' \\\n  ').replace('curl \\\n  -X', 'curl -X');
    const copy = make('button', {class: 'copy', type: 'button'}, 'Copy');
    copy.addEventListener('click', async () => {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
    });
    return [make('h4', null, 'Try it', copy), make('pre', null, make('code', null, text))];
  }

  // Successes with their fields; refusals together, as nobody reads them each time.
  responses(responses) {
    const entries = Object.entries(responses).map(([status, raw]) => [status, this.resolve(raw)]);
    const refusals = entries.filter(([status]) => status >= '400');
    return [make('h4', null, 'Answers'),
            entries.filter(([status]) => status < '400').map(([status, response]) => this.success(status, response)),
            refusals.length === 0 ? null : make('details', {class: 'bad'},
                make('summary', null, 'Refused with ', refusals.map(([status]) => [make('b', null, status), ' '])),
                make('div', null, make('dl', null, refusals.map(([status, response]) =>
                    [make('dt', null, status), make('dd', null, inline(response.description))]))))];
  }

  success(status, response) {
    const content = (response.content || {})['application/json'];
    const words = [make('b', null, status), ' ', inline(response.description)];
    if (!content) return make('p', {class: 'ok'}, words);
    return make('details', {class: 'ok'}, make('summary', null, words),
                make('div', null, this.fields(content.schema, 'may be absent'),
                     content.example === undefined ? null
                         : make('pre', null, make('code', null, JSON.stringify(content.example, null, 2)))));
  }

  filter(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Set();
    for (const entry of this.entries) {
      const fits = words.every((word) => entry.words.includes(word));
      entry.article.hidden = entry.item.hidden = !fits;
      if (fits) shown.add(entry.section);
    }
    for (const entry of this.entries) entry.section.hidden = entry.heading.hidden = !shown.has(entry.section);
    document.getElementById('top').hidden = words.length > 0;
    this.none.hidden = shown.size > 0;
  }
}

function wireMenu(nav) {
  const menu = document.getElementById('menu');
  const set = (open) => {
    nav.classList.toggle('open', open);
    menu.setAttribute('aria-expanded', String(open));
    menu.textContent = open ? 'Close' : 'Contents';
  };
  menu.addEventListener('click', () => set(!nav.classList.contains('open')));
  nav.addEventListener('click', (event) => { if (event.target.closest('a')) set(false); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') set(false); });
}

async function start() {
  try {
    const answer = await fetch('openapi.json');
    if (!answer.ok) throw new Error('the server answered ' + answer.status);
    const page = new Page(await answer.json());
    page.draw();
    wireMenu(page.nav);
    const filter = document.getElementById('filter');
    filter.addEventListener('input', () => page.filter(filter.value));
    if (location.hash) document.querySelector('[id="' + CSS.escape(location.hash.slice(1)) + '"]')?.scrollIntoView();
  } catch (error) {
    document.getElementById('status').textContent = 'openapi.json could not be read: ' + error.message + '. Load the page again.';
  }
}
start();
