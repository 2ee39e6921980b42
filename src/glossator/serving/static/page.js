// The page of an endpoint. Every text, of users and of models, is set by textContent.
"use strict";

const SAID = {
  en: {
    kicker: "Glossator endpoint", title: "Try the models",
    lead: "Ask a model of this server, and see how busy it is.",
    key: "Key", keyLabel: "A key with the role predict or admin", open: "Open",
    keyNote: "The key stays in the memory of this tab: it is gone when the tab is closed or loaded again.",
    models: "Models", tasks: "Tasks of this model", most: "Possibilities", ask: "Ask",
    askNote: "What is asked here goes to this server and nowhere else.",
    load: "Load",
    loadNote: "The last ten minutes, every five seconds. Requests that ask for answers are counted, of every client.",
    footer: "This page holds no data, and loads nothing from elsewhere.",
    oneALine: "one a line", asJson: "as JSON", asking: "asking ...", noModels: "This key sees no model.",
    nothing: "Nothing was found.", raw: "The answer as JSON", took: "{n} ms, {tokens} tokens, windows: {windows}",
    outOfScope: "The text belongs to none of the classes.", inScope: "The text belongs to one of the classes.",
    set: "Labels that are probable enough: ", noAnswer: "Probability that there is no answer: {p}",
    gap: "Gap {n}", requests: "requests a second", median: "median, ms", slowest: "99th percentile, ms",
    errors: "errors a minute", waiting: "texts waiting", texts: "texts a second", refused: "refused", failed: "failed",
    latency: "Latency, ms", throughput: "Requests and texts a second", troubles: "Errors in each interval",
    tokens: "Tokens a second", unreachable: "The server cannot be reached.", notJson: "This is no JSON: {name}",
    vector: "{n} numbers, of length {length}: {first} …", head: "Head", relation: "Relation", tail: "Tail", minutes: "{n} min",
  },
  zh: {
    kicker: "Glossator 服务", title: "试用模型", lead: "向这台服务器上的模型提问，并查看它的负载。",
    key: "密钥", keyLabel: "角色为 predict 或 admin 的密钥", open: "打开",
    keyNote: "密钥只保存在这个标签页的内存中：关闭或刷新页面后即消失。",
    models: "模型", tasks: "该模型的任务", most: "候选数", ask: "提问", askNote: "这里的提问只发往这台服务器，不会发往别处。",
    load: "负载", loadNote: "最近十分钟，每五秒一个点。统计所有客户端请求答案的请求。",
    footer: "本页不含任何数据，也不从别处加载任何内容。",
    oneALine: "每行一个", asJson: "JSON 格式", asking: "正在提问……", noModels: "这个密钥看不到任何模型。",
    nothing: "没有找到任何内容。", raw: "JSON 格式的答案", took: "{n} 毫秒，{tokens} 个词元，窗口数：{windows}",
    outOfScope: "这段文本不属于任何类别。", inScope: "这段文本属于其中一个类别。",
    set: "足够可能的标签：", noAnswer: "没有答案的概率：{p}",
    gap: "空缺 {n}", requests: "每秒请求数", median: "中位数，毫秒", slowest: "99 百分位，毫秒",
    errors: "每分钟错误数", waiting: "等待中的文本", texts: "每秒文本数", refused: "被拒绝", failed: "失败",
    latency: "延迟，毫秒", throughput: "每秒请求数与文本数", troubles: "各时段的错误数",
    tokens: "每秒词元数", unreachable: "无法连接服务器。", notJson: "这不是 JSON：{name}",
    vector: "{n} 个数，长度 {length}：{first} …", head: "头", relation: "关系", tail: "尾", minutes: "{n} 分钟",
  },
};
const POLL = 5000;
const KEPT = 120;

const state = { language: "en", key: "", models: [], model: null, task: null, answer: null, workers: new Map() };
const at = (id) => document.getElementById(id);

function say(name, values = {}) {
  return SAID[state.language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

function make(tag, { text, name, ...rest } = {}, ...inside) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  Object.assign(made, rest);
  made.append(...inside);
  return made;
}

function draw(tag, given, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(given)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Asking the server

class Trouble extends Error {}

async function ask(path, body, key = state.key) {
  let response;
  const headers = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST", headers, cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Trouble(say("unreachable"));
  }
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Trouble(found.error?.message ?? `${response.status}`);
  return found;
}

function trouble(message) {
  at("trouble").textContent = message;
  at("trouble").hidden = !message;
}

// Language

function speak(language) {
  state.language = language;
  document.documentElement.lang = language;
  for (const each of document.querySelectorAll("[data-said]")) each.textContent = say(each.dataset.said);
  at("language").textContent = language === "en" ? "中文" : "English";
  at("language").lang = language === "en" ? "zh" : "en";
  if (state.model) labelFields();
  if (state.answer) showAnswer();
  if (!at("watching").hidden) showStatus();
}

// Models, and what one reads

function choice(chosen, act, ...inside) {
  const button = make("button", { type: "button", name: "model" }, ...inside);
  button.setAttribute("role", "radio");
  button.setAttribute("aria-checked", String(chosen));
  button.addEventListener("click", act);
  return button;
}

function showModels() {
  at("models").replaceChildren(...state.models.map((model) => choice(model === state.model, () => choose(model),
    make("span", { text: model.id, name: "text" }), make("small", { text: model.task }))));
}

function choose(model) {
  state.model = model;
  at("does").textContent = model.does;
  showModels();
  chooseTask(Object.keys(model.examples)[0] ?? null);
}

// Of a model with several tasks, each of which reads fields of its own.
function chooseTask(task) {
  state.task = task;
  state.answer = null;
  at("answer").replaceChildren();
  at("tasking").hidden = task === null;
  at("tasks").replaceChildren(...Object.keys(state.model.examples).map((name) => choice(name === task,
    () => chooseTask(name), make("span", { text: name, name: "text" }))));
  showFields();
}

const example = () => (state.task === null ? state.model.example : state.model.examples[state.task]);

// Whether a field is the one by which an input names its task, which a button has chosen.
const namesTask = (field) => state.task !== null
  && Object.entries(state.model.examples).every(([name, each]) => each[field] === name);

const isLines = (value) => Array.isArray(value) && value.every((each) => typeof each === "string");

// The fields of the form with what the example has in each: a text, texts, or anything else.
const fields = () => (typeof example() === "object"
  ? Object.entries(example()).filter(([name]) => !namesTask(name)) : [["text", example()]]);

function fieldFor(name, value) {
  const id = `field-${name}`;
  const shown = typeof value === "string" ? value : isLines(value) ? value.join("\n") : JSON.stringify(value);
  const area = make("textarea", { id, value: shown, rows: 3, dir: "auto", spellcheck: false });
  return [make("label", { htmlFor: id }), area];
}

function showFields() {
  at("fields").replaceChildren(...fields().flatMap(([name, each]) => fieldFor(name, each)));
  labelFields();
}

// Apart from what was typed, which another language leaves as it is.
function labelFields() {
  for (const [name, value] of fields()) {
    const kind = typeof value === "string" ? "" : ` (${say(isLines(value) ? "oneALine" : "asJson")})`;
    document.querySelector(`label[for="${CSS.escape(`field-${name}`)}"]`).textContent = name + kind;
  }
}

function typedIn(name, like) {
  const value = at(`field-${name}`).value;
  if (typeof like === "string") return value;
  if (isLines(like)) return value.split("\n").filter((line) => line.trim());
  try {
    return JSON.parse(value);
  } catch {
    throw new Trouble(say("notJson", { name }));
  }
}

function typed() {
  const like = example();
  if (typeof like !== "object") return typedIn("text", like);
  return { ...like, ...Object.fromEntries(fields().map(([name, each]) => [name, typedIn(name, each)])) };
}

// Answers

const percent = (share) => `${(100 * share).toFixed(1)}%`;

function bars(rows, best) {
  const table = make("table");
  rows.forEach(([name, score], number) => {
    const fill = make("i");
    fill.style.width = `${Math.max(0, Math.min(1, score)) * 100}%`;
    table.append(make("tr", { name: number === best ? "best" : "" },
      make("td", { name: "name" }, make("span", { name: "text", text: String(name) })),
      make("td", { name: "bar" }, make("span", { name: "bars" }, fill)),
      make("td", { name: "n", text: percent(score) })));
  });
  return table;
}

// Pieces of a text, by characters as the server counts them; those that overlap lie in one another.
function marked(text, pieces) {
  const letters = Array.from(text);
  const names = [...new Set(pieces.map((piece) => piece.label))];
  const sorted = [...pieces].sort((a, b) => a.start - b.start || b.end - a.end);
  const fill = (into, from, to, inside) => {
    let place = from;
    while (inside.length) {
      const [piece, ...rest] = inside;
      const end = Math.min(piece.end, to);
      const within = rest.filter((other) => other.start < end && other.end <= end);
      // One that crosses the end of another is drawn from there on.
      inside = rest.filter((other) => !within.includes(other))
        .map((other) => (other.start < end ? { ...other, start: end } : other));
      into.append(letters.slice(place, piece.start).join(""));
      const mark = make("mark", { name: `m${names.indexOf(piece.label) % 7}` });
      fill(mark, piece.start, end, within);
      mark.append(make("span", { name: "tag", text: piece.label }));
      into.append(mark);
      place = end;
    }
    into.append(letters.slice(place, to).join(""));
  };
  const quote = make("p", { name: "quote text", dir: "auto" });
  fill(quote, 0, letters.length, sorted);
  return quote;
}

// What the places of pieces count in: the text that holds them, words with a space between.
function textWith(input, pieces) {
  const values = typeof input === "string" ? [input] : Object.values(input);
  const texts = values.map((each) => (isLines(each) ? each.join(" ") : each)).filter((x) => typeof x === "string");
  const plain = texts.map((text) => text.replace(/<\/?e[12]>/g, ""));
  const holds = (text) => pieces.every((x) => Array.from(text).slice(x.start, x.end).join("") === x.text);
  // A question may have the same words in the same place as the text that was searched for them.
  return [...texts, ...plain].filter(holds).sort((a, b) => b.length - a.length)[0];
}

// Pieces in their text, of which those that are `shown` are marked, and below it their scores.
function pieces(input, found, shown = found) {
  if (!found.length) return [make("p", { text: say("nothing"), name: "small" })];
  const text = textWith(input, found);
  const rows = found.filter((piece) => piece.score !== undefined)
    .map((piece) => [piece.label === piece.text ? piece.text : `${piece.text} · ${piece.label}`, piece.score]);
  return [...(text === undefined ? [] : [marked(text, shown)]), ...(rows.length ? [bars(rows)] : [])];
}

// The best first; a worse one that shares letters with a better one would only blur it.
function answers(input, found) {
  const numbered = found.map((x, i) => ({ ...x, label: String(i + 1) }));
  const apart = numbered.filter((one, i) => !numbered.slice(0, i).some((x) => x.start < one.end && one.start < x.end));
  return pieces(input, numbered, apart);
}

function relations(input, answer) {
  const found = new Map();
  const add = (piece, name) => found.set(`${piece.start}-${piece.end}`, { ...piece, label: piece.label ?? name });
  for (const piece of answer.entities ?? []) add(piece, "");
  for (const one of answer.relations) {
    if (!found.has(`${one.head.start}-${one.head.end}`)) add(one.head, say("head"));
    if (!found.has(`${one.tail.start}-${one.tail.end}`)) add(one.tail, say("tail"));
  }
  const rows = answer.relations.map((x) => [`${x.head.text} → ${x.label} → ${x.tail.text}`, x.score]);
  const all = [...found.values()].map(({ score, ...piece }) => piece);
  return [...pieces(input, all), ...(rows.length ? [bars(rows)] : [])];
}

// A part of an answer by its name; an answer may have several of them.
const PARTS = {
  out_of_scope: (_, answer) => [make("p", { name: "notice",
    text: say(answer.out_of_scope ? "outOfScope" : "inScope") + ` (${answer.out_of_scope_score.toFixed(3)})` })],
  set: (_, answer) => [make("p", { text: say("set") + (answer.set.join(", ") || "–") })],
  value: (_, answer) => [make("p", { name: "figure", text: String(answer.value) })],
  // Where it is no label's and no choice's, the score is the answer.
  score: (_, answer) => ("label" in answer || "choices" in answer ? []
    : [make("p", { name: "figure", text: String(answer.score) })]),
  embedding: (_, answer) => [make("p", { text: say("vector", { n: answer.embedding.length,
    length: Math.hypot(...answer.embedding).toFixed(3),
    first: answer.embedding.slice(0, 8).map((x) => x.toFixed(4)).join(", ") }) })],
  text: (_, answer) => ("finish_reason" in answer ? [make("p", { name: "quote text", dir: "auto", text: answer.text })] : []),
  labels: (_, answer) => [answer.labels.length
    ? bars(answer.labels.map((x) => [x.label, x.score]), answer.labels.findIndex((x) => x.label === answer.label))
    : make("p", { text: say("nothing"), name: "small" })],
  choices: (_, answer) => [bars(answer.choices.map((x) => [x.text, x.score]), answer.index)],
  entities: (input, answer) => ("relations" in answer ? [] : pieces(input, answer.entities)),
  relations: (input, answer) => relations(input, answer),
  answers: (input, answer) => answers(input, answer.answers),
  no_answer: (_, answer) => [make("p", { name: "small", text: say("noAnswer", { p: percent(answer.no_answer) }) })],
  masks: (_, answer) => answer.masks.flatMap((mask, number) => [make("h3", { text: say("gap", { n: number + 1 }) }),
    bars(mask.map((x) => [x.token, x.score]), 0)]),
  tasks: (input, answer) => Object.entries(answer.tasks)
    .flatMap(([name, each]) => [make("h3", { text: name, name: "task text" }), ...parts(input, each)]),
};

function parts(input, answer) {
  return Object.keys(PARTS).filter((name) => answer[name] !== undefined && answer[name] !== null)
    .flatMap((name) => PARTS[name](input, answer));
}

function showAnswer() {
  const { input, answer, took } = state.answer;
  const told = say("took", { n: took, tokens: answer.n_tokens ?? "?", windows: answer.windows ?? "?" });
  at("answer").replaceChildren(...parts(input, answer), make("p", { name: "small", text: told }),
    make("details", {}, make("summary", { text: say("raw") }), make("pre", { text: JSON.stringify(answer, null, 2) })));
}

async function askModel() {
  const input = typed();
  const { model, task } = state;
  const most = Number(at("most").value);
  const began = performance.now();
  at("answer").replaceChildren(make("p", { name: "small", text: say("asking") }));
  const body = { inputs: [input], ...(most >= 1 ? { top_k: Math.floor(most) } : {}) };
  const found = await ask(`/v1/models/${encodeURIComponent(model.id)}/predict`, body);
  if (model !== state.model || task !== state.task) return;
  state.answer = { input, answer: found.predictions[0], took: Math.round(performance.now() - began) };
  showAnswer();
}

// Load: each worker process tells of itself; what is known of all is added up.

function intervals() {
  const known = [...state.workers.values()];
  if (!known.length) return [];
  const { now, every, edges } = known[known.length - 1];
  const last = Math.floor(now / every) * every;
  const found = Array.from({ length: KEPT }, (_, i) => ({ at: last - (KEPT - 1 - i) * every, requests: 0, refused: 0,
    failed: 0, texts: 0, tokens: 0, batches: 0, latency: new Array(edges.length + 1).fill(0) }));
  for (const worker of known) {
    for (const each of worker.intervals) {
      const into = found[KEPT - 1 - (last - each.at) / every];
      if (!into) continue;
      for (const name of ["requests", "refused", "failed", "texts", "tokens", "batches"]) into[name] += each[name];
      each.latency.forEach((count, i) => { into.latency[i] += count; });
    }
  }
  return found;
}

// The latency below which a share of requests lies, from counts between edges; null without requests.
function quantile(counts, edges, share) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  let below = share * all;
  for (let i = 0; all && i < counts.length; i += 1) {
    if (below <= counts[i]) {
      const low = i ? edges[i - 1] : 0;
      return i < edges.length ? low + (edges[i] - low) * (below / counts[i]) : low;
    }
    below -= counts[i];
  }
  return null;
}

const short = (value) => (value >= 1000 ? `${(value / 1000).toFixed(1)}k` : value >= 10 ? value.toFixed(0) : String(+value.toFixed(2)));

function plot(title, series, every) {
  const [wide, high, left, bottom] = [460, 180, 40, 22];
  const most = Math.max(1e-9, ...series.flatMap((x) => x.values.map((value) => value ?? 0)));
  const across = (i) => left + (i / (KEPT - 1)) * (wide - left - 8);
  const up = (value) => 8 + (1 - value / most) * (high - bottom - 8);
  const svg = draw("svg", { viewBox: `0 0 ${wide} ${high}`, class: "plot", role: "img", "aria-label": title });
  for (const share of [0, 0.5, 1]) {
    const y = up(most * share);
    svg.append(draw("line", { class: "grid", x1: left, x2: wide - 8, y1: y, y2: y }));
    const tick = most > 1e-9 || !share ? short(most * share) : "";
    svg.append(draw("text", { class: "tick", x: left - 6, y: y + 4, "text-anchor": "end" }, tick));
  }
  for (const minutes of [8, 6, 4, 2]) {
    const x = across(KEPT - 1 - (minutes * 60) / every);
    svg.append(draw("text", { class: "tick", x, y: high - 5, "text-anchor": "middle" }, say("minutes", { n: -minutes })));
  }
  for (const { values, look } of series) {
    let path = "";
    values.forEach((value, i) => {
      if (value === null) return;
      const begins = i === 0 || values[i - 1] === null;
      path += `${begins ? "M" : "L"}${across(i).toFixed(1)} ${up(value).toFixed(1)}`;
      if (begins) path += "l0.1 0";
    });
    svg.append(draw("path", { class: `line ${look}`, d: path }));
  }
  const key = make("div", { name: "key" }, ...series.map((x) => make("span", {}, make("i", { name: x.look }), x.name)));
  return make("figure", {}, make("figcaption", { text: title }), svg, key);
}

function tile(value, name) {
  return make("div", { name: "tile" }, make("b", { text: value }), make("span", { text: name }));
}

function showStatus() {
  const found = intervals();
  if (!found.length) return;
  const { edges, every } = [...state.workers.values()][0];
  // The last minute, without the interval that still runs.
  const minute = found.slice(-1 - 60 / every, -1);
  const sum = (name) => minute.reduce((all, each) => all + each[name], 0);
  const counts = edges.map((_, i) => i).concat(edges.length)
    .map((i) => minute.reduce((all, each) => all + each.latency[i], 0));
  const time = (share) => { const value = quantile(counts, edges, share); return value === null ? "–" : short(value); };
  at("tiles").replaceChildren(tile(short(sum("requests") / 60), say("requests")), tile(time(0.5), say("median")),
    tile(time(0.99), say("slowest")), tile(short(sum("refused") + sum("failed")), say("errors")));
  const shown = found.slice(0, -1);
  const a = (name) => shown.map((each) => each[name] / every);
  const late = (share) => shown.map((each) => quantile(each.latency, edges, share));
  const line = (name, look, values) => ({ name: say(name), look, values: [...values, null] });
  at("plots").replaceChildren(
    plot(say("throughput"), [line("requests", "c1", a("requests")), line("texts", "c3", a("texts"))], every),
    plot(say("latency"), [line("median", "c1", late(0.5)), line("slowest", "c2", late(0.99))], every),
    plot(say("tokens"), [line("tokens", "c1", a("tokens"))], every),
    plot(say("troubles"), [line("refused", "c3", shown.map((x) => x.refused)), line("failed", "c2", shown.map((x) => x.failed))], every),
  );
}

async function watch() {
  const key = state.key;
  const found = await ask("/v1/status");
  if (key !== state.key) return;
  state.workers.set(found.worker, found);
  // A worker that ended tells no more, and is forgotten with its last interval.
  for (const [worker, each] of state.workers) {
    if (found.now - each.now > KEPT * found.every) state.workers.delete(worker);
  }
  showStatus();
}

async function watchOn() {
  try {
    if (state.key && !document.hidden) await watch();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
  } finally {
    setTimeout(watchOn, POLL);
  }
}

// What the user does

async function open() {
  const key = at("key").value.trim();
  state.key = "";
  state.workers.clear();
  at("trying").hidden = at("watching").hidden = true;
  const found = await ask("/v1/models", undefined, key);
  state.key = key;  // one that opens nothing is not asked with again and again
  at("key").value = "";
  state.models = found.data;
  at("trying").hidden = !state.models.length;
  at("watching").hidden = false;
  if (!state.models.length) trouble(say("noModels"));
  if (state.models.length) choose(state.models[0]);
  await watch();
}

function onSubmit(id, act) {
  at(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = at(id).querySelector("button");
    button.disabled = true;
    trouble("");
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      at("answer").replaceChildren();
      trouble(error.message);
      at("trouble").scrollIntoView({ block: "nearest" });
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit("opening", open);
onSubmit("asking", askModel);
at("language").addEventListener("click", () => speak(state.language === "en" ? "zh" : "en"));
speak(navigator.language.startsWith("zh") ? "zh" : "en");
watchOn();
