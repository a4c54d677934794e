"use strict";
(() => {
  const ROW = 26;
  const EDGE = 12;
  const byId = (name) => document.getElementById(name);
  const words = JSON.parse(byId("words").textContent);
  const lines = byId("lines").textContent.split("\n").filter((line) => line !== "");
  const failed = new Set(JSON.parse(byId("failed").textContent));
  const list = byId("list");
  const rows = byId("rows");
  const detail = byId("detail");
  const search = byId("search");
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

  // Control and direction characters would act, or hide; they are shown as signs.
  const HIDDEN = new RegExp(
    "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e" +
      "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]", "g");
  const visible = (text) => text.replace(HIDDEN, (char) => {
    const code = char.charCodeAt(0);
    return code < 32 ? String.fromCharCode(0x2400 + code)
      : "\\u" + code.toString(16).padStart(4, "0");
  });

  const make = (tag, kind, text) => {
    const element = document.createElement(tag);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const END = ',"data":';
  const heads = lines.map((line) => {
    try {
      const end = line.indexOf(END);
      return JSON.parse(end < 0 ? line : line.slice(0, end) + "}");
    } catch {
      return { id: "", ts: "", topic: "", kind: "", phase: "", name: line.slice(0, 80) };
    }
  });
  const rowsOf = new Map();
  const children = new Map();
  heads.forEach((head, n) => {
    if (!rowsOf.has(head.id)) rowsOf.set(head.id, []);
    rowsOf.get(head.id).push(n);
  });
  const last = (id) => { const all = rowsOf.get(id); return all ? all[all.length - 1] : -1; };
  const isStart = (n) => heads[n].phase === "start" && last(heads[n].id) !== n;
  heads.forEach((head, n) => {
    if (head.parent && !isStart(n)) {
      if (!children.has(head.parent)) children.set(head.parent, []);
      children.get(head.parent).push(n);
    }
  });
  const depths = heads.map((head) => {
    let depth = 0;
    for (let at = head; at && at.parent && depth < 8; depth += 1) at = heads[last(at.parent)];
    return depth;
  });

  // which rows are shown

  let shown = [];
  let place = -1;
  let wanted = "";
  const topics = byId("topics");
  topics.append(new Option(words["all-topics"], ""));
  const counts = new Map();
  heads.forEach((head, n) => {
    if (!isStart(n)) counts.set(head.topic, (counts.get(head.topic) || 0) + 1);
  });
  [...counts.keys()].sort().forEach((name) =>
    topics.append(new Option(`${visible(name)} (${counts.get(name)})`, name)));

  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const select = () => {
    const current = shown[place];
    wanted = search.value;
    // what is typed is found as it reads, and as JSON spells it
    const spelled = JSON.stringify(wanted).slice(1, -1);
    const pattern = wanted && new RegExp(`${escaped(wanted)}|${escaped(spelled)}`, "i");
    const starts = byId("starts").checked;
    const errors = byId("errors").checked;
    shown = [];
    for (let n = 0; n < lines.length; n += 1) {
      if (!starts && isStart(n)) continue;
      if (errors && !failed.has(n)) continue;
      if (topics.value && heads[n].topic !== topics.value) continue;
      if (pattern && !pattern.test(lines[n])) continue;
      shown.push(n);
    }
    place = shown.indexOf(current);
    byId("space").style.height = `${shown.length * ROW}px`;
    byId("hits").textContent = fill(words.hits, { shown: shown.length, total: lines.length });
    if (wanted && place < 0 && shown.length) go(0);
    else { reveal(); paint(); }
  };

  const took = (ms) => ms === null || ms === undefined ? ""
    : ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms`
      : `${(ms / 1000).toFixed(2)} s`;

  const paint = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - EDGE);
    const end = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + EDGE);
    const fragment = document.createDocumentFragment();
    for (let at = first; at < end; at += 1) {
      const n = shown[at];
      const head = heads[n];
      const row = make("div", `row${failed.has(n) ? " failed" : ""}${at === place ? " on" : ""}`);
      row.dataset.at = String(at);
      row.setAttribute("role", "option");
      const label = make("span", "label");
      label.style.paddingLeft = `${depths[n] * 14}px`;
      label.append(make("span", head.kind === "operation" ? "operation-name" : "", visible(head.name)),
        make("span", "kind", head.phase === "start" ? `${head.kind} …` : head.kind));
      row.append(make("time", "", head.ts.slice(11, 23)), make("span", "topic", visible(head.topic)),
        label, make("span", "number", head.status ?? ""), make("span", "number", took(head.ms)));
      fragment.append(row);
    }
    rows.style.top = `${first * ROW}px`;
    rows.replaceChildren(fragment);
  };

  const reveal = () => {
    if (place < 0) return;
    const top = place * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) {
      list.scrollTop = top + ROW - list.clientHeight;
    }
  };
  const go = (at) => {
    if (!shown.length) return;
    place = Math.max(0, Math.min(shown.length - 1, at));
    reveal();
    paint();
    show(shown[place]);
  };
  const open = (id) => {
    const n = last(id);
    if (n < 0) return;
    if (!shown.includes(n)) {
      search.value = "";
      topics.value = "";
      byId("errors").checked = false;
      select();
    }
    go(shown.indexOf(n));
  };

  // JSON with its numbers exactly as written, which JSON.parse would round

  const parse = (text) => {
    let at = 0;
    const token = /\s*(?:("(?:[^"\\]|\\.)*")|(-?[\d.eE+-]+)|([{}[\],:])|(true|false|null))/y;
    const next = () => {
      token.lastIndex = at;
      const match = token.exec(text);
      if (!match) throw new Error(`at ${at}`);
      at = token.lastIndex;
      return match;
    };
    const value = (match, depth) => {
      if (match[1]) return { kind: "string", text: JSON.parse(match[1]) };
      if (match[2]) return { kind: "numeral", text: match[2] };
      if (match[4]) return { kind: "word", text: match[4] };
      if (depth > 500) throw new Error("too deep");
      const entries = [];
      const close = match[3] === "{" ? "}" : "]";
      for (let one = next(); one[3] !== close; one = next()) {
        if (one[3] === ",") continue;
        if (close === "}") {
          next();
          entries.push([JSON.parse(one[1]), value(next(), depth + 1)]);
        } else entries.push([null, value(one, depth + 1)]);
      }
      return { kind: close, entries };
    };
    return value(next(), 0);
  };

  const marked = (kind, text) => {
    const element = make("span", kind);
    const shownText = visible(text);
    if (!wanted) { element.textContent = shownText; return element; }
    const low = shownText.toLowerCase();
    let from = 0;
    for (let hit = low.indexOf(wanted.toLowerCase()); hit >= 0;
      hit = low.indexOf(wanted.toLowerCase(), from)) {
      element.append(shownText.slice(from, hit), make("mark", "", shownText.slice(hit, hit + wanted.length)));
      from = hit + wanted.length;
    }
    element.append(shownText.slice(from));
    return element;
  };

  const holds = (node) => Boolean(wanted) && (node.entries
    ? node.entries.some(([key, one]) => (key || "").toLowerCase().includes(wanted.toLowerCase()) || holds(one))
    : node.text.toLowerCase().includes(wanted.toLowerCase()));

  const draw = (key, node, depth) => {
    const name = key === null ? [] : [marked("key", key), ": "];
    if (!node.entries) {
      const leaf = make("div", "leaf");
      const redacted = node.kind === "string" && node.text.includes("⟨redacted");
      const quote = node.kind === "string" ? '"' : "";
      leaf.append(...name, marked(redacted ? "redacted" : node.kind, quote + node.text + quote));
      if (node.kind === "string" && /^[0-9a-f]{16}$/.test(node.text) && rowsOf.has(node.text)) {
        const link = make("a", "event", " →");
        link.href = `#e=${node.text}`;
        leaf.append(link);
      }
      return leaf;
    }
    const box = make("details");
    const summary = make("summary");
    summary.append(...name, make("span", "count",
      node.kind === "}" ? `{${node.entries.length}}` : `[${node.entries.length}]`));
    box.append(summary);
    const build = () => {
      if (box.childElementCount === 1) {
        node.entries.forEach(([k, one], n) =>
          box.append(draw(k === null ? String(n) : k, one, depth + 1)));
      }
    };
    box.addEventListener("toggle", () => { if (box.open) build(); });
    box.build = build;
    if (depth < 3 || holds(node)) { build(); box.open = true; }
    return box;
  };

  const button = (text, action) => {
    const element = make("button", "", text);
    element.type = "button";
    element.addEventListener("click", action);
    return element;
  };
  const linkTo = (label, n) => {
    const link = make("a", "", `${label}: ${visible(heads[n].name)}`);
    link.href = `#e=${heads[n].id}`;
    return link;
  };

  const show = (n) => {
    const head = heads[n];
    const where = make("p", "where");
    [head.kind, head.phase, head.topic, head.ts, head.id, `pid ${head.pid}`,
      head.status === null ? "" : `status ${head.status}`, took(head.ms)]
      .filter(Boolean).forEach((text) => where.append(make("span", "", visible(String(text)))));
    const links = make("p", "where");
    if (head.parent && last(head.parent) >= 0) links.append(linkTo(words.parent, last(head.parent)));
    (children.get(head.id) || []).slice(0, 12)
      .forEach((child) => links.append(linkTo(words.children, child)));
    const raw = make("div", "raw");
    const tree = make("div", "tree");
    try {
      const data = parse(lines[n]).entries.find(([key]) => key === "data");
      (data ? data[1].entries || [] : []).forEach(([key, node]) => tree.append(draw(key, node, 1)));
    } catch {
      raw.append(marked("", lines[n]));
    }
    const fold = (state) => tree.querySelectorAll("details").forEach((box) => {
      if (state) box.build();
      box.open = state;
    });
    const buttons = make("p", "buttons");
    buttons.append(
      button(words.expand, () => { for (let round = 0; round < 8; round += 1) fold(true); }),
      button(words.collapse, () => fold(false)),
      button(words.raw, () => raw.replaceChildren(...(raw.childNodes.length ? [] : [marked("", lines[n])]))),
      button(words.copy, () => navigator.clipboard && navigator.clipboard.writeText(lines[n])));
    detail.replaceChildren(make("h3", "", visible(head.name)), where, links, buttons, raw, tree);
    detail.scrollTop = 0;
    detail.dataset.id = head.id;
  };

  // keys and clicks

  list.addEventListener("scroll", paint);
  list.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) go(Number(row.dataset.at));
  });
  let timer = 0;
  search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(select, 120); });
  ["topics", "errors", "starts"].forEach((name) => byId(name).addEventListener("change", select));
  const nextError = (step) => {
    for (let at = place + step; at >= 0 && at < shown.length; at += step) {
      if (failed.has(shown[at])) { go(at); return; }
    }
  };
  const keys = {
    j: () => go(place + 1), ArrowDown: () => go(place + 1), k: () => go(place - 1),
    ArrowUp: () => go(place - 1), PageDown: () => go(place + 20), PageUp: () => go(place - 20),
    g: () => go(0), Home: () => go(0), G: () => go(shown.length - 1), End: () => go(shown.length - 1),
    e: () => nextError(1), E: () => nextError(-1), n: () => go(place + 1), N: () => go(place - 1),
  };
  list.addEventListener("keydown", (event) => {
    if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") { list.focus(); event.preventDefault(); }
    if (event.key === "Escape") { search.value = ""; select(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
  });
  const follow = () => {
    const match = /^#e=(\w+)$/.exec(location.hash);
    if (match) { byId("events").scrollIntoView(); open(match[1]); }
  };
  addEventListener("hashchange", follow);
  addEventListener("resize", paint);

  const root = document.documentElement;
  if (matchMedia("(prefers-color-scheme: dark)").matches) root.classList.add("dark");
  byId("theme").addEventListener("click", () => root.classList.toggle("dark"));

  detail.append(make("p", "count", words.pick));
  select();
  follow();
  root.dataset.ready = "yes";
})();
