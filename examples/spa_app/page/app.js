// A page whose session is in cookies. The browser keeps the token where no script can read it, and sends it by itself.

const CSRF_COOKIE = "__Host-csrf_access_token";

const element = (id) => document.getElementById(id);
const tabs = new BroadcastChannel("session"); // reaches the other tabs of this origin

class ApiError extends Error {
  constructor(status, { code, message }) {
    super(message ?? "The server could not answer.");
    this.status = status;
    this.code = code;
  }
}

// Pages of other origins can make the browser send the cookie with the token, but they cannot read this value.
function csrfToken() {
  const pairs = document.cookie.split("; ").map((pair) => pair.split("="));
  return pairs.find(([name]) => name === CSRF_COOKIE)?.[1] ?? "";
}

// Returns the body of the answer. Nothing here refreshes: the server does, and its answer sets the new cookie.
async function call(method, path, body) {
  const headers = method === "GET" ? {} : { "X-CSRF-Token": csrfToken(), "Content-Type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  throw new ApiError(answer.status, content);
}

// ---------------------------------------------------------------- what the user sees

function say(text) {
  element("message").textContent = text;
}

function show(section) {
  for (const id of ["signed-out", "signed-in"]) element(id).hidden = id !== section;
}

function showTime(id, seconds) {
  const date = new Date(seconds * 1000);
  element(id).dateTime = date.toISOString();
  element(id).textContent = date.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

function showNotes(notes) {
  // textContent, never innerHTML: a note is text, whatever its author wrote.
  element("notes").replaceChildren(
    ...notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })),
  );
}

async function showSession() {
  const me = await call("GET", "/api/me");
  element("name").textContent = me.name;
  showTime("access-ends", me.access_ends);
  showTime("session-ends", me.session_ends);
}

function sessionItem({ session_id, label, issued_at, is_current }) {
  const item = document.createElement("li");
  const begin = new Date(issued_at * 1000).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  item.append(`${label}, since ${begin}${is_current ? " (this one)" : ""}`);
  if (!is_current) {
    const button = Object.assign(document.createElement("button"), { textContent: "Log out", className: "quiet" });
    button.setAttribute("aria-label", `Log out ${label}`);
    button.addEventListener("click", () => attempt(() => endSessions(`/api/sessions/${encodeURIComponent(session_id)}`)));
    item.append(button);
  }
  return item;
}

async function showSessions() {
  const { sessions } = await call("GET", "/api/sessions");
  element("sessions").replaceChildren(...sessions.map(sessionItem));
}

async function endSessions(path) {
  await call("DELETE", path);
  await showSessions();
}

async function signedIn() {
  await showSession();
  await showSessions();
  showNotes((await call("GET", "/api/notes")).notes);
  show("signed-in");
}

function signedOut(text) {
  element("name").textContent = "";
  element("sessions").replaceChildren();
  showNotes([]);
  show("signed-out");
  say(text);
}

// These 401s ask for a password; any other says that there is no session, because the server has refreshed what it could.
const ASKS_FOR_PASSWORD = ["bad_credentials", "stale_authentication"];

// Runs what a user asked for.
async function attempt(action) {
  say("");
  try {
    await action();
  } catch (error) {
    if (error.status !== 401 || ASKS_FOR_PASSWORD.includes(error.code)) say(error.message);
    else signedOut(error.code === "missing_token" ? "" : error.message);
  }
}

// ---------------------------------------------------------------- what the user does

function onSubmit(form, send) {
  element(form).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => send(Object.fromEntries(new FormData(event.target)), event.target));
  });
}

onSubmit("login", async (credentials, form) => {
  await call("POST", "/api/login", credentials);
  form.reset();
  await signedIn();
  element("user").focus();
  tabs.postMessage("in");
});

onSubmit("write", async (note, form) => {
  showNotes((await call("POST", "/api/notes", note)).notes);
  form.reset();
});

element("ask").addEventListener("click", () => attempt(showSession));

element("logout-others").addEventListener("click", () => attempt(() => endSessions("/api/sessions")));

element("logout").addEventListener("click", () =>
  attempt(async () => {
    await call("POST", "/api/logout");
    signedOut("You are logged out.");
    element("login").elements.username.focus();
    tabs.postMessage("out");
  }),
);

tabs.addEventListener("message", ({ data }) => {
  if (data === "in") attempt(signedIn);
  else signedOut("You logged out in another tab.");
});

attempt(signedIn);
