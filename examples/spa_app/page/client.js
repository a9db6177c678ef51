// Calls an API with a token in the header. The token is in memory only: a reload forgets it, another tab has its own.

// Returns a session with `call`, which is like fetch, and `logOut`. `onEnd` is called once, when the session has ended.
export async function logIn(username, password, onEnd) {
  let token = null; // no script but these functions can read it
  let refresh = null; // the refresh under way, for which all calls wait

  // "omit": no cookie is sent that could contradict the header.
  function send(path, options) {
    const headers = new Headers(options?.headers);
    if (token !== null) headers.set("Authorization", `Bearer ${token}`);
    return fetch(path, { ...options, headers, credentials: "omit" });
  }

  function end() {
    if (token !== null) onEnd();
    token = null;
  }

  async function renew() {
    try {
      const answer = await send("/api/token", { method: "PUT" });
      if (answer.status === 401) end();
      const content = answer.ok ? await answer.json() : null;
      if (content !== null && token !== null) token = content.access_token;
    } finally {
      refresh = null;
    }
  }

  const codeOf = async (answer) => (answer.status === 401 ? (await answer.clone().json()).code : null);

  // A call whose access has expired is repeated once, with the next token.
  async function call(path, options) {
    const used = token;
    let answer = await send(path, options);
    let code = await codeOf(answer);
    if (code === "expired_access") {
      if (used === token) await (refresh ??= renew()); // a late answer finds the next token already there
      if (used === token || token === null) return answer;
      answer = await send(path, options);
      code = await codeOf(answer);
    }
    // The other 401s ask for a password, and the session goes on.
    if (code !== null && code !== "stale_authentication" && code !== "bad_credentials") end();
    return answer;
  }

  async function logOut() {
    await send("/api/token", { method: "DELETE" });
    end();
  }

  const headers = { "Content-Type": "application/json" };
  const answer = await send("/api/token", { method: "POST", headers, body: JSON.stringify({ username, password }) });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.message);
  token = content.access_token;
  return { call, logOut };
}
