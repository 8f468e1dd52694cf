// The customer's phone and mailbox. It shows what the server says and posts what is typed; nothing is decided here.
const $ = (id) => document.getElementById(id);
const PAUSE = 1500; // milliseconds between two looks
const QUICK = ["I can pay on Friday", "Can I pay half now, half next month?", "How much do I owe?", "This bill is wrong", "STOP"];
const state = { company: "", channels: [], id: null, seen: "", view: null, mail: null, composing: false, sent: 0, run: 0 };

/** An element with text, classes and children; words are only ever text. */
function el(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child));
  return node;
}

const cap = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const day = (at) => new Date(at).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
const time = (at) => new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
const when = (at) => `${day(at)}, ${time(at)}`;

async function ask(path, options) {
  const answer = await fetch(`/local/${path}`, options);
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `The server answered ${answer.status}.`);
  }
  return answer.status === 202 ? null : answer.json();
}

function complain(error) {
  $("alert").textContent = error ? (error instanceof TypeError ? "The server does not answer. Is it running?" : error.message) : "";
}

// --- who ---

let options = [], marked = -1, searching = 0;

async function search(text) {
  const mine = ++searching;
  const found = await ask(`customers${text ? `?text=${encodeURIComponent(text)}` : ""}`);
  if (mine !== searching) return [];
  state.company = found.company;
  state.channels = found.channels;
  return found.customers;
}

function offer(customers) {
  options = customers;
  marked = -1;
  const items = customers.map((one, n) =>
    el("li", { role: "option", id: `option-${n}`, "aria-selected": "false", on: { mousedown: (e) => { e.preventDefault(); choose(one); } } },
      document.createTextNode(one.name || one.id),
      el("span", { text: one.last_at ? `${one.id} · ${day(one.last_at)}` : one.id })));
  $("found").replaceChildren(...(items.length ? items : [el("li", { text: "Nobody found who has a number or an address." })]));
  $("found").hidden = false;
  $("search").setAttribute("aria-expanded", "true");
}

function close() {
  $("found").hidden = true;
  $("search").setAttribute("aria-expanded", "false");
  $("search").removeAttribute("aria-activedescendant");
}

function mark(n) {
  marked = (n + options.length) % options.length;
  [...$("found").children].forEach((item, i) => item.setAttribute("aria-selected", String(i === marked)));
  $("search").setAttribute("aria-activedescendant", `option-${marked}`);
  $("found").children[marked].scrollIntoView({ block: "nearest" });
}

function choose(customer) {
  close();
  Object.assign(state, { id: customer.id, seen: "", view: null, mail: null, composing: false, sent: 0 });
  $("text-body").value = $("mail-body").value = "";
  $("search").value = customer.name ? `${customer.name} (${customer.id})` : customer.id;
  history.replaceState(null, "", `#${encodeURIComponent(customer.id)}`);
  look();
}

$("search").addEventListener("focus", async (e) => { e.target.select(); offer(await search("").catch(() => [])); });
$("search").addEventListener("input", async (e) => offer(await search(e.target.value.trim()).catch(() => [])));
$("search").addEventListener("blur", () => { close(); if (state.view) $("search").value = `${state.view.customer.name} (${state.id})`; });
$("search").addEventListener("keydown", (e) => {
  if (e.key === "ArrowDown" && options.length) { e.preventDefault(); mark(marked + 1); }
  else if (e.key === "ArrowUp" && options.length) { e.preventDefault(); mark(marked - 1); }
  else if (e.key === "Enter" && options.length) { e.preventDefault(); choose(options[Math.max(marked, 0)]); $("search").blur(); }
  else if (e.key === "Escape") close();
});

// --- looking, again and again ---

async function look() {
  const run = ++state.run;
  if (state.id && !document.hidden) {
    try {
      const said = await ask(`customers/${encodeURIComponent(state.id)}`);
      if (run !== state.run) return;
      const text = JSON.stringify(said);
      if (text !== state.seen) { state.seen = text; state.view = said; show(); }
      if ($("alert").dataset.kind === "look") { complain(null); $("alert").dataset.kind = ""; }
    } catch (error) {
      if (run !== state.run) return;
      complain(error);
      $("alert").dataset.kind = "look";
    }
  }
  setTimeout(() => { if (run === state.run) look(); }, PAUSE);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });

function show() {
  const { customer, lines, messages, notice } = state.view;
  if (document.activeElement !== $("search")) $("search").value = `${customer.name} (${customer.id})`;
  $("notice").hidden = !notice;
  $("notice").textContent = notice || "";
  for (const name of document.querySelectorAll(".company")) name.textContent = state.company;
  document.querySelector(".avatar").textContent = state.company.slice(0, 1);
  const by = (channel) => lines.filter((line) => line.channel === channel);
  $("phone").hidden = !state.channels.includes("sms");
  $("mailbox").hidden = !state.channels.includes("email");
  $("stage").classList.toggle("one", $("phone").hidden !== $("mailbox").hidden);
  choices($("text-from"), by("sms"), $("phone-line"), "on the phone of ", "no mobile number on file");
  choices($("mail-from"), by("email"), $("mail-line"), "", "No e-mail address on file");
  $("mail-form").hidden = $("compose").hidden = !by("email").length;
  showTexts(messages.filter((m) => m.channel === "sms"));
  showMails(messages.filter((m) => m.channel === "email").reverse());
  showBeside();
}

function choices(select, lines, label, before, none) {
  const chosen = select.value;
  select.replaceChildren(...lines.map((line) => el("option", { value: line.id, text: line.name ? `${line.name}, ${line.address}` : line.address })));
  if (lines.some((line) => line.id === chosen)) select.value = chosen;
  select.hidden = lines.length < 2;
  label.textContent = lines.length ? before + lines.map((line) => line.address).slice(0, 2).join(", ") : none;
  for (const field of select.form.querySelectorAll("textarea, input, button")) field.disabled = !lines.length;
}

// --- the phone ---

function showTexts(texts) {
  const box = $("texts");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60 || !box.childElementCount;
  const items = [];
  let last = "";
  for (const one of texts) {
    if (day(one.at) !== last) items.push(el("li", { class: "day", text: (last = day(one.at)) }));
    items.push(el("li", { class: one.direction, title: when(one.at), text: one.body },
      el("span", { class: "hidden", text: one.direction === "in" ? " (from the customer)" : " (from us)" })));
  }
  if (state.view.thinking && texts.length && texts.at(-1).direction === "in" && !state.view.notice)
    items.push(el("li", { class: "dots" }, el("span", { class: "hidden", text: "An answer is being written" }), el("i"), el("i"), el("i")));
  if (!items.length) items.push(el("li", { class: "empty", text: state.view.lines.some((line) => line.channel === "sms") ? "No text messages yet. Write the first one." : "This customer has no mobile number on file." }));
  box.replaceChildren(...items);
  if (atEnd) box.scrollTop = box.scrollHeight;
}

document.querySelector(".quick").append(...QUICK.map((words) =>
  el("button", { type: "button", text: words, on: { click: () => { $("text-body").value = words; $("text-body").focus(); } } })));

async function send(form, given, done) {
  const button = form.querySelector("button:not([type])");
  button.disabled = true;
  try {
    await ask(`customers/${encodeURIComponent(state.id)}/messages`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given),
    });
    complain(null);
    done();
  } catch (error) {
    $("alert").dataset.kind = "send";
    complain(error);
  }
  button.disabled = false;
  look();
}

$("text-form").addEventListener("submit", (e) => {
  e.preventDefault();
  const body = $("text-body").value;
  if (!body.trim()) return;
  send(e.target, { channel: "sms", contact_id: $("text-from").value, body }, () => {
    $("text-body").value = "";
    $("texts").scrollTop = $("texts").scrollHeight;
  });
});
$("text-body").addEventListener("keydown", (e) => {
  if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); $("text-form").requestSubmit(); }
});

// --- the mailbox ---

function showMails(mails) {
  const newest = mails.find((mail) => mail.direction === "out") || mails[0];
  if (newest && newest.id > state.sent && !state.composing && !$("mail-body").value) { state.mail = newest.id; state.sent = newest.id; }
  if (!mails.some((mail) => mail.id === state.mail)) state.mail = newest ? newest.id : null;
  const items = mails.map((mail) => el("li", {}, el("button", {
    type: "button", "aria-current": String(mail.id === state.mail && !state.composing),
    on: { click: () => { state.mail = mail.id; state.composing = false; showMails(mails); } },
  },
  el("span", { class: "from" }, el("span", { text: mail.direction === "out" ? state.company : "You" }), el("span", { text: day(mail.at) })),
  el("b", { text: mail.subject || "(no subject)" }), el("span", { class: "peek", text: mail.body.slice(0, 90) }))));
  $("mails").replaceChildren(...(items.length ? items : [el("li", { class: "empty", text: "No e-mails yet." })]));
  showMail(mails.find((mail) => mail.id === state.mail));
}

function showMail(mail) {
  const composing = state.composing || !mail;
  $("subject-row").hidden = !composing;
  $("mail-label").textContent = composing ? "New e-mail" : mail.direction === "out" ? "Reply" : "Write again";
  const key = `${state.id} ${composing ? "new" : mail.id}`;
  if ($("mail").dataset.key === key) return;
  $("mail").dataset.key = key;
  $("mail").scrollTop = 0;
  if (composing) {
    if (!state.view.lines.some((line) => line.channel === "email")) { $("mail").replaceChildren(); return; }
    $("mail").replaceChildren(el("h3", { text: "New e-mail" }), el("p", { class: "meta", text: `to ${state.company}` }));
    return;
  }
  const from = mail.direction === "out" ? `${state.company} to you` : `You to ${state.company}`;
  $("mail").replaceChildren(
    el("h3", { text: mail.subject || "(no subject)" }),
    el("p", { class: "meta", text: `${from}, ${when(mail.at)}` }),
    el("div", { class: "body", text: mail.body }),
    mail.unsubscribe && el("p", { class: "leave" }, el("a", { href: mail.unsubscribe, target: "_blank", rel: "noopener", text: "Unsubscribe" }),
      document.createTextNode(" (the link that mail programs show)")));
}

$("compose").addEventListener("click", () => { state.composing = true; show(); $("mail-subject").focus(); });
$("mail-form").addEventListener("submit", (e) => {
  e.preventDefault();
  const body = $("mail-body").value, mails = state.view.messages.filter((m) => m.channel === "email");
  if (!body.trim()) return;
  const at = state.composing ? null : mails.find((m) => m.id === state.mail);
  const answers = at && (at.direction === "out" ? at : mails.filter((m) => m.direction === "out").at(-1));
  const from = answers && state.view.lines.some((line) => line.id === answers.contact_id) ? answers.contact_id : $("mail-from").value;
  const given = { channel: "email", contact_id: from, body };
  if (answers && answers.contact_id === from) given.answers = answers.outbox_id;
  if (!given.answers && $("mail-subject").value.trim()) given.subject = $("mail-subject").value.trim();
  send(e.target, given, () => { $("mail-body").value = $("mail-subject").value = ""; state.composing = false; });
});
$("mail-body").addEventListener("keydown", (e) => {
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); $("mail-form").requestSubmit(); }
});

// --- beside it ---

function command(words) {
  const button = el("button", { type: "button", text: "Copy", "aria-label": `Copy the command ${words}` });
  button.addEventListener("click", async () => { await navigator.clipboard.writeText(words); button.textContent = "Copied"; });
  return el("div", { class: "copy" }, el("code", { text: words }), button);
}

const UNMATCHED = {
  shared_address: "This address belongs to several customers.", unknown_sender: "Nobody on file has this address.",
  other_sender: "Somebody else answers this thread.", not_vouched_for: "Nobody vouches for the sender.",
  forwarded: "This is a forwarded e-mail.", automatic: "No person wrote this.",
};

function showBeside() {
  const { approvals, unmatched, queued, facts, decisions } = state.view;
  const cards = [
    ...unmatched.map((one) => el("div", { class: "card wait" },
      el("h3", {}, document.createTextNode("A person has to say who wrote"), el("span", { class: "when", text: when(one.at) })),
      el("p", { text: `${UNMATCHED[one.why] || one.why} Nothing is answered or disclosed.` }),
      command(`dunwell inbox assign ${one.id} ${state.id} --as NAME`))),
    ...approvals.map((one) => el("div", { class: "card wait" },
      el("h3", {}, el("span", { text: cap(one.says) }), el("span", { class: "badge ask", text: "approval" })),
      one.why && el("p", { text: one.why }), one.body && el("blockquote", { text: one.body, tabindex: "0" }), command(one.command))),
    ...queued.map((one) => el("div", { class: "card" },
      el("h3", {}, el("span", { text: one.channel === "sms" ? "Text on its way" : "E-mail on its way" }), el("span", { class: "badge", text: "queued" })),
      el("p", { text: `${one.reason ? `${one.reason}; ` : ""}not before ${when(one.not_before)}` }), el("blockquote", { text: one.body, tabindex: "0" }))),
    facts.length && el("div", { class: "card" }, el("h3", { text: "What holds now" }),
      el("ul", { class: "facts" }, ...facts.map((one) => el("li", {}, el("b", { text: cap(one.kind) }), el("span", { text: cap(one.says.replaceAll("_", " ")) }))))),
    ...decisions.map((one) => el("div", { class: "card" },
      el("h3", {}, el("span", { text: cap(one.what) }), el("span", { class: `badge ${one.verdict}`, text: one.means }), el("span", { class: "when", text: time(one.at) })),
      one.why && el("p", { text: `${one.why}.` }), one.rules.length > 0 && el("p", { class: "rules", text: one.rules.join(", ") }))),
  ].filter(Boolean);
  $("beside").replaceChildren(...(cards.length ? cards : [el("p", { class: "empty", text: "Nothing was decided about this customer yet." })]));
}

// --- begin ---

try {
  const customers = await search("");
  const named = decodeURIComponent(location.hash.slice(1));
  if (named) choose({ id: named });
  else if (customers.length) choose(customers[0]);
  else {
    $("notice").hidden = false;
    $("notice").textContent = "There is no customer yet who can be reached: bring a ledger in with `dunwell import FOLDER`, then run `dunwell cycle`.";
  }
} catch (error) {
  complain(error);
}
