// A page that uses client.js.

import { logIn } from "./client.js";

const element = (id) => document.getElementById(id);
let session = null;

function say(text) {
  element("message").textContent = text;
}

function show(section) {
  for (const id of ["signed-out", "signed-in"]) element(id).hidden = id !== section;
}

function ended() {
  show("signed-out");
  say("You are signed out.");
}

// Returns the status of the answer.
async function showMe() {
  const answer = await session.call("/api/me");
  if (answer.ok) {
    const { name, access_ends } = await answer.json();
    element("name").textContent = name;
    element("access-ends").dateTime = new Date(access_ends * 1000).toISOString();
    element("access-ends").textContent = new Date(access_ends * 1000).toLocaleTimeString();
  }
  return answer.status;
}

element("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { username, password } = event.target.elements;
  say("");
  try {
    session = await logIn(username.value, password.value, ended);
    await showMe();
    event.target.reset();
    show("signed-in");
    element("user").focus();
  } catch (error) {
    say(error.message);
  }
});

element("ten").addEventListener("click", async () => {
  say("");
  const statuses = await Promise.all(Array.from({ length: 10 }, showMe));
  if (!element("signed-in").hidden) say(`Answers: ${statuses.join(" ")}`);
});

element("logout").addEventListener("click", () => session.logOut());
