// A real OpenID provider (npm oidc-provider, certified) on loopback http.
// usage: node provider.mjs config.json
// config: {port, modules, clients: [...], accounts: "accounts.json", conform}
// The accounts' file is read anew at every sign-in, so a test may take a group away meanwhile.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const config = JSON.parse(fs.readFileSync(process.argv[2]));
const require = createRequire(path.join(config.modules, 'x.js'));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const { generateKeyPair, exportJWK } = await import(pathToFileURL(require.resolve('jose')));

const issuer = `http://127.0.0.1:${config.port}`;
const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const key = { ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: `k${Date.now()}` };
const accounts = () => JSON.parse(fs.readFileSync(config.accounts));
const scope = 'openid profile email groups roles';

const leave = (form) => `<!doctype html><html lang="en"><title>Test provider</title><h1>Sign out</h1>
  ${form}<button form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button></html>`;

const provider = new Provider(issuer, {
  clients: config.clients,
  jwks: { keys: [key] },
  cookies: { keys: ['testbed-cookie-key'] },
  pkce: { required: () => true, methods: ['S256'] },
  scopes: scope.split(' '),
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
    roles: ['realm_access'],
  },
  // false: claims also stand in the ID token, as Keycloak does; true: in userinfo only
  conformIdTokenClaims: config.conform ?? false,
  features: {
    devInteractions: { enabled: false }, // its pages fetch a font from the internet
    rpInitiatedLogout: { enabled: true, logoutSource: async (ctx, form) => { ctx.body = leave(form); } },
  },
  ttl: { AccessToken: 300, IdToken: 300, Session: 3600, Interaction: 600, Grant: 3600 },
  async findAccount(ctx, sub) {
    const account = accounts()[sub];
    if (!account) return undefined;
    const { password, ...claims } = account;
    return { accountId: sub, claims: async () => ({ sub, ...claims }) };
  },
  async loadExistingGrant(ctx) { // consent is given beforehand
    const { client, session, provider: op } = ctx.oidc;
    const grant = new op.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(scope);
    grant.addOIDCClaims(['groups', 'realm_access', 'email', 'email_verified', 'name', 'preferred_username']);
    await grant.save();
    return grant;
  },
  interactions: { url: (ctx, interaction) => `/login/${interaction.uid}` },
  renderError: async (ctx, out) => { ctx.type = 'json'; ctx.body = out; },
});
provider.on('server_error', (ctx, error) => console.error(error));

const FORM = `<!doctype html><html lang="en"><title>Test provider</title><h1>Test provider</h1>
  <form method="post"><label>User <input name="login" autofocus></label>
  <label>Password <input name="password" type="password"></label><button>Sign in</button></form></html>`;

provider.use(async (ctx, next) => {
  if (ctx.path === '/favicon.ico') {
    ctx.status = 204;
    return undefined;
  }
  if (!/^\/login\/[\w-]+$/.test(ctx.path)) return next();
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = FORM;
    return undefined;
  }
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const account = accounts()[form.get('login')];
  const result = account && account.password === form.get('password')
    ? { login: { accountId: form.get('login'), remember: false } }
    : { error: 'access_denied', error_description: 'wrong user or password' };
  ctx.respond = false;
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
});

provider.listen(config.port, '127.0.0.1', () => console.log('ready', issuer));
