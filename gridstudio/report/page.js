"use strict";
// The interactive parts of a report. Reads the data beside it in the page, draws with Plotly, needs no network.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const config = { displaylogo: false, responsive: false, showSendToCloud: false, plotlyServerURL: "", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const ink = "#1d2731", muted = "#5b6772", grid = "#dfe4e9";
  const font = { family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: 13, color: ink };
  const el = (id) => document.getElementById(id);
  const group = (digits) => new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const formats = [group(0), group(1), group(2), group(3), group(4)];
  const num = (v, digits = 0) => v === null || v === undefined ? "–" : formats[digits].format(v).replaceAll(",", "\u202f").replace("-", "−");
  const esc = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const redraws = [];
  const PAPER = 690;  // pixels: the width of a chart on A4
  let printing = false;
  const widthOf = (box) => printing ? PAPER : box.clientWidth;

  function fill(select, options) {
    options.forEach(([value, text]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = text;
      select.appendChild(option);
    });
  }

  // ---- the map ---------------------------------------------------------------------------

  function map(d) {
    const b = d.branch, count = b.name.length, box = el("map-chart");
    const planSelect = el("map-plan"), yearRange = el("map-year"), yearText = el("map-year-text"), status = el("map-status");
    const modes = Array.from(document.querySelectorAll("#map-modes button"));
    let mode = "conductor";
    fill(planSelect, d.plans.map((plan, i) => [i, plan.title]));
    yearRange.max = d.years;
    yearRange.value = d.years;
    planSelect.value = d.start;

    function now() {
      const plan = d.plans[planSelect.value], year = Number(yearRange.value);
      const conductor = b.conductor.slice(), replaced = {}, fresh = {};
      let cost = 0, total = 0;
      plan.changes.slice().sort((p, q) => p[0] - q[0]).forEach(([when, branch, to, usd]) => {
        if (when > year) return;
        conductor[branch] = to;
        replaced[branch] = when;
        total += usd;
        if (when === year) { fresh[branch] = true; cost += usd; }
      });
      const loading = {};
      (plan.loading[year] || []).forEach((row) => { loading[row[0]] = row.slice(1); });
      return { plan, year, conductor, replaced, fresh, cost, total, loading };
    }

    function band(pu) {
      if (pu === null || pu === undefined) return -1;
      const found = d.bands.findIndex((item) => item[0] === null || pu <= item[0]);
      return found;
    }

    const brief = () => widthOf(box) < 600;
    function look(s, i) {  // [colour, thick, label]
      if (mode === "conductor") {
        const c = s.conductor[i], colour = c < 0 ? d.unknown : d.colours[c];
        return [colour, i in s.replaced, i in s.replaced ? b.name[i] + (brief() ? "" : " " + d.conductors[c]) : ""];
      }
      const row = s.loading[i], pu = row ? row[mode === "before" ? 1 : 3] : null, k = band(pu);
      const over = k >= 0 && d.bands[k][3];
      return [k < 0 ? d.unknown : d.bands[k][1], over, over ? b.name[i] + " " + num(100 * pu) + " %" : ""];
    }

    function hover(s, i) {
      if (b.kind[i] !== "line") return `<b>${esc(b.kind[i])} ${esc(b.name[i])}</b><br>buses ${esc(b.bus1[i])} – ${esc(b.bus2[i])}`;
      const out = [`<b>${b.switch[i] ? "switch" : "line"} ${esc(b.name[i])}</b>` + (b.switch[i] ? (b.closed[i] ? ", closed" : ", open") : "")];
      out.push(`buses ${esc(b.bus1[i])} – ${esc(b.bus2[i])}, ${b.phases[i]} phase${b.phases[i] > 1 ? "s" : ""}`);
      if (b.length[i] !== null && !b.switch[i]) out.push(`length ${num(b.length[i], 1)} m`);
      const c = b.conductor[i], to = s.conductor[i];
      if (i in s.replaced) out.push(`conductor ${esc(c < 0 ? "–" : d.conductors[c])} → <b>${esc(d.conductors[to])}</b> in year ${s.replaced[i]}`);
      else if (c >= 0) out.push(`conductor ${esc(d.conductors[c])}`);
      const row = s.loading[i];
      if (row) {
        out.push(`before: ${num(row[0], 1)} A, loading ${row[1] === null ? "–" : num(100 * row[1], 1) + " %"}`);
        out.push(`after: ${num(row[2], 1)} A, loading ${row[3] === null ? "–" : num(100 * row[3], 1) + " %"}`);
        out.push(`limit ${num(100 * d.limit)} % of the rating`);
      }
      return out.join("<br>");
    }

    function lines(chosen, colour, width, more = {}) {
      const x = [], y = [];
      chosen.forEach((i) => { b.path[i].forEach((p) => { x.push(p[0]); y.push(p[1]); }); x.push(null); y.push(null); });
      return { type: "scatter", mode: "lines", x, y, hoverinfo: "skip", line: Object.assign({ color: colour, width }, more) };
    }

    function middle(i) {
      const path = b.path[i], p = path[path.length - 2], q = path[path.length - 1];
      return [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
    }

    function marks(chosen, symbol, fillColour, size) {
      const at = chosen.map(middle);
      return { type: "scatter", mode: "markers", x: at.map((p) => p[0]), y: at.map((p) => p[1]), hoverinfo: "skip",
        marker: { symbol, size, color: fillColour, line: { color: ink, width: 1.2 } } };
    }

    function traces(s) {
      const all = [...Array(count).keys()], thin = {}, thick = {};
      const isLine = (i) => b.kind[i] === "line" && b.closed[i];
      all.filter((i) => isLine(i) && (!b.switch[i] || b.conductor[i] >= 0 || i in s.loading)).forEach((i) => {
        const [colour, heavy] = look(s, i), into = heavy ? thick : thin;
        (into[colour] = into[colour] || []).push(i);
      });
      const heavy = Object.values(thick).flat(), scale = (brief() ? 0.75 : 1) * Math.max(0.4, Math.min(1, (400 / count) ** 0.35));
      const points = { x: [], y: [], text: [] };
      all.forEach((i) => {
        const text = hover(s, i), path = b.path[i];
        for (let k = 1; k < path.length; k += 1) [0.2, 0.5, 0.8].forEach((t) => {
          points.x.push(path[k - 1][0] + t * (path[k][0] - path[k - 1][0]));
          points.y.push(path[k - 1][1] + t * (path[k][1] - path[k - 1][1]));
          points.text.push(text);
        });
      });
      return [
        lines(all.filter((i) => !b.closed[i]), muted, 1.5, { dash: "4px,4px" }),
        lines(all.filter((i) => b.closed[i] && (b.switch[i] || b.kind[i] !== "line")), ink, 1.5),
        ...Object.entries(thin).map(([colour, rows]) => lines(rows, colour, 2.4 * scale)),
        lines(heavy, "#ffffff", 10 * scale),
        ...Object.entries(thick).map(([colour, rows]) => lines(rows, colour, 7 * scale)),
        marks(all.filter((i) => b.kind[i] !== "line"), "diamond", "#ffffff", 9 * scale),
        marks(all.filter((i) => b.switch[i] && b.closed[i]), "square", ink, 6 * scale),
        marks(all.filter((i) => b.switch[i] && !b.closed[i]), "square", "#ffffff", 9 * scale),
        { type: "scatter", mode: "markers", x: d.sources.map((p) => p[1]), y: d.sources.map((p) => p[2]),
          text: d.sources.map((p) => `<b>source</b> at bus ${esc(p[0])}`), hoverinfo: "text",
          marker: { symbol: "star", size: 17, color: "#f2c230", line: { color: ink, width: 1 } } },
        { type: "scatter", mode: "markers", x: points.x, y: points.y, text: points.text, hoverinfo: "text",
          marker: { size: 12, color: "rgba(0,0,0,0)" }, hoverlabel: { bgcolor: "#ffffff", bordercolor: muted, font, align: "left" } },
      ];
    }

    // Labels keep clear of each other and of thick lines: each takes the nearest free place around its section.
    function labels(s) {
      const full = box._fullLayout;
      if (!full || !full.xaxis || !full.xaxis.d2p) return [];
      const size = brief() ? 10 : 12, placed = [], notes = [];
      const px = (p) => [full.xaxis.d2p(p[0]), full.yaxis.d2p(p[1])];
      const wide = full.xaxis._length, high = full.yaxis._length;
      const cell = 6, columns = Math.ceil(wide / cell), rows = Math.ceil(high / cell), drawn = new Uint8Array(columns * rows);
      const wanted = [];
      for (let i = 0; i < count; i += 1) {
        const text = b.kind[i] === "line" && b.closed[i] ? look(s, i)[2] : "", ends = b.path[i].map(px), at = px(middle(i));
        for (let k = 1; k < ends.length; k += 1) {
          const [x, y] = ends[k - 1], dx = ends[k][0] - x, dy = ends[k][1] - y, steps = Math.min(2000, 1 + Math.ceil(Math.hypot(dx, dy) / cell));
          for (let t = 0; t <= steps; t += 1) {
            const c = Math.floor((x + dx * t / steps) / cell), r = Math.floor((y + dy * t / steps) / cell);
            if (c >= 0 && c < columns && r >= 0 && r < rows) drawn[r * columns + c] = Math.max(drawn[r * columns + c], text ? 12 : 5);
          }
        }
        if (text && at[0] > 0 && at[0] < wide && at[1] > 0 && at[1] < high) wanted.push([i, text, at]);
      }
      const under = (x, y, w, h) => {
        let sum = 0;
        for (let r = Math.max(0, Math.floor((y - h / 2) / cell)); r <= Math.min(rows - 1, Math.floor((y + h / 2) / cell)); r += 1)
          for (let c = Math.max(0, Math.floor((x - w / 2) / cell)); c <= Math.min(columns - 1, Math.floor((x + w / 2) / cell)); c += 1) sum += drawn[r * columns + c];
        return sum;
      };
      wanted.slice(0, 150).forEach(([i, text, at]) => {
        const w = 0.62 * size * text.length + 6, h = 1.3 * size + 3;
        let best = null, bestCost = 900;
        for (let ring = 8; ring < 120; ring += 9) for (let k = 0; k < 16; k += 1) {
          const a = k * Math.PI / 8, x = at[0] + Math.cos(a) * (ring + w / 2), y = at[1] + Math.sin(a) * (ring + h / 2);
          if (x - w / 2 < 0 || x + w / 2 > wide || y - h / 2 < 0 || y + h / 2 > high) continue;
          if (placed.some((o) => Math.abs(o[0] - x) < (o[2] + w) / 2 && Math.abs(o[1] - y) < (o[3] + h) / 2)) continue;
          let cost = Math.hypot(Math.max(0, Math.abs(x - at[0]) - w / 2), Math.max(0, Math.abs(y - at[1]) - h / 2));
          if (cost >= bestCost) continue;
          cost += under(x, y, w + 4, h + 4);
          if (cost < bestCost) { best = [x, y]; bestCost = cost; }
        }
        if (!best) return;
        placed.push([best[0], best[1], w, h]);
        const p = middle(i);
        notes.push({ x: p[0], y: p[1], ax: best[0] - at[0], ay: best[1] - at[1], text: i in s.fresh && mode === "conductor" ? `<b>${esc(text)}</b>` : esc(text),
          showarrow: true, arrowhead: 0, arrowwidth: 0.8, arrowcolor: muted, standoff: 0, borderpad: 1, bgcolor: "rgba(255,255,255,0.85)", captureevents: false,
          font: { family: "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace", size, color: mode === "conductor" && !(i in s.fresh) ? muted : ink } });
      });
      return notes;
    }

    function legend() {
      const item = (kind, colour, text) => `<span class="key"><i class="${kind}" style="--c:${colour}"></i>${esc(text)}</span>`;
      const parts = mode === "conductor" ? d.conductors.map((name, i) => item("line", d.colours[i], name)).concat(item("thick", muted, "replaced"))
        : d.bands.map((band_) => item(band_[3] ? "thick" : "line", band_[1], band_[2])).concat(item("line", d.unknown, "not rated"));
      if (d.sources.length) parts.push('<span class="key"><b class="star">★</b>source</span>');
      if (b.kind.some((kind) => kind !== "line")) parts.push('<span class="key"><b class="mark">◇</b>transformer, regulator</span>');
      if (b.switch.some((is, i) => is && b.closed[i])) parts.push('<span class="key"><b class="mark">■</b>switch, closed</span>');
      if (b.switch.some((is, i) => is && !b.closed[i])) parts.push('<span class="key"><b class="mark">□</b>switch, open</span>');
      el("map-legend").innerHTML = `<span class="key"><b>${mode === "conductor" ? "Conductor" : "Loading, % of rating"}</b></span>` + parts.join("");
    }

    function tell(s) {
      yearText.textContent = s.year ? `year ${s.year} of ${d.years}` : "reference (before)";
      const so = Object.keys(s.replaced).length, fresh = Object.keys(s.fresh).length;
      if (mode === "conductor") {
        status.textContent = s.year ? `${s.plan.title}, year ${s.year}: ${fresh || "no"} section${fresh === 1 ? "" : "s"} replaced this year (USD ${num(s.cost)}), ${so} so far (USD ${num(s.total)}).`
          : `${s.plan.title}: the conductors as they are today.`;
      } else {
        const column = mode === "before" ? 1 : 3, rows = Object.values(s.loading).map((r) => r[column]).filter((v) => v !== null);
        const over = rows.filter((v) => v > d.limit).length;
        status.textContent = rows.length ? `${s.plan.title}, year ${s.year}, ${mode} the plan: ${over || "no"} section${over === 1 ? "" : "s"} above ${num(100 * d.limit)} %, highest loading ${num(100 * Math.max(...rows), 1)} %.`
          : `${s.plan.title}, year ${s.year}: this page carries no loadings for this plan and year.`;
      }
    }

    const [x0, x1, y0, y1] = d.extent, padX = 0.05 * (x1 - x0) || 1, padY = 0.06 * (y1 - y0) || 1;
    function layout() {
      const wide = widthOf(box), ratio = (y1 - y0 + 2 * padY) / (x1 - x0 + 2 * padX);
      const height = Math.round(Math.min(Math.max(wide * ratio, 260), 860));
      return { height, width: wide, margin: { l: 4, r: 4, t: 34, b: 4 }, font, showlegend: false, hovermode: "closest", hoverdistance: 14, dragmode: "pan",
        uirevision: "map", plot_bgcolor: "#fff", paper_bgcolor: "#fff",
        xaxis: { visible: false, range: [x0 - padX, x1 + padX], constrain: "domain" },
        yaxis: { visible: false, range: [y0 - padY, y1 + padY], scaleanchor: "x", scaleratio: 1, constrain: "domain" } };
    }

    let busy = false;
    function annotate() {
      busy = true;
      return Plotly.relayout(box, { annotations: labels(now()) }).then(() => { busy = false; });
    }
    function draw() {
      yearRange.min = mode === "conductor" ? 0 : 1;
      const s = now();
      tell(s);
      legend();
      busy = true;
      return Plotly.react(box, traces(s), layout(), config).then(annotate);
    }
    function setMode(name) {
      mode = name;
      modes.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.mode === name)));
      draw();
    }
    planSelect.addEventListener("change", draw);
    yearRange.addEventListener("input", draw);
    modes.forEach((button) => button.addEventListener("click", () => setMode(button.dataset.mode)));
    draw().then(() => box.on("plotly_relayout", () => { if (!busy) annotate(); }));
    redraws.push(draw);
  }

  // ---- two panels side by side, or one above the other in a narrow window ------------------

  function panels(box, titles, xTitle, yTitles, axes) {
    const wide = widthOf(box), stacked = wide < 760 && !printing;
    const axis = { gridcolor: grid, linecolor: muted, zeroline: false, ticks: "outside", tickcolor: muted, automargin: true };
    const left = stacked ? [0, 1] : [0, 0.46], right = stacked ? [0, 1] : [0.54, 1];
    const upper = stacked ? [0.58, 1] : [0, 1], lower = stacked ? [0, 0.42] : [0, 1];
    return Object.assign({ width: wide, height: stacked ? 740 : 410, margin: { l: 62, r: 24, t: stacked ? 66 : 40, b: 58 }, font, showlegend: false, hovermode: "closest",
      plot_bgcolor: "#fff", paper_bgcolor: "#fff", separators: ".\u202f",
      xaxis: Object.assign({}, axis, { domain: left, anchor: "y", title: { text: xTitle, font } }, axes.x),
      xaxis2: Object.assign({}, axis, { domain: right, anchor: "y2", title: { text: xTitle, font } }, axes.x),
      yaxis: Object.assign({}, axis, { domain: upper, anchor: "x", title: { text: yTitles[0], font } }, axes.y),
      yaxis2: Object.assign({}, axis, { domain: lower, anchor: "x2", title: { text: yTitles[1], font } }, axes.y2),
      annotations: titles.map((text, i) => ({ text: `<b>${text}</b>`, showarrow: false, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom",
        x: i && !stacked ? right[0] : 0, y: i && stacked ? 0.43 : 1.01 })) });
  }

  function costs(d) {
    const box = el("costs");
    function draw() {
      const top = 1.1 * Math.max(...d.weight), shapes = [];
      [["x", "y"], ["x2", "y2"]].forEach(([x, y]) => {
        if (d.span) shapes.push({ type: "rect", xref: x, yref: y + " domain", x0: d.span[0], x1: d.span[1], y0: 0, y1: 1, fillcolor: d.pale, line: { width: 0 }, layer: "below" });
        if (d.expected !== null) shapes.push({ type: "line", xref: x, yref: y + " domain", x0: d.expected, x1: d.expected, y0: 0, y1: 1, line: { color: d.line, width: 1.8, dash: "6px,3px" } });
      });
      const middles = d.weight.map((_, i) => (d.edges[i] + d.edges[i + 1]) / 2);
      const width = d.edges[1] - d.edges[0], last = d.cost.length - 1;
      const traces = [
        { type: "bar", x: middles, y: d.weight, width: d.weight.map(() => width), xaxis: "x", yaxis: "y", marker: { color: d.colour, line: { color: "#fff", width: 1 } },
          text: d.weight.map((w, i) => `USD ${num(d.edges[i])} to ${num(d.edges[i + 1])}<br>probability ${num(100 * w, 1)} %`), hoverinfo: "text", textposition: "none" },
        { type: "scatter", mode: "lines", line: { shape: "vh", color: d.colour, width: 2.5 }, xaxis: "x2", yaxis: "y2",
          x: [d.edges[0], ...d.cost, d.cost[last]], y: [1, ...d.above, 0],
          text: ["", ...d.cost.map((c, i) => `${num(100 * d.above[i], 1)} % probability<br>of USD ${num(c)} or more`), ""], hoverinfo: "text" },
      ];
      const axes = { x: { range: [d.edges[0], d.edges[d.edges.length - 1]], tickformat: ",.0f", nticks: 6 }, y: { range: [0, top], tickformat: ".0%", nticks: 7 }, y2: { range: [0, 1.04], tickformat: ".0%" } };
      const layout = panels(box, ["Distribution", "Exceedance"], esc(d.label) + " [USD]", ["probability", "probability of at least this"], axes);
      layout.shapes = shapes;
      return Plotly.react(box, traces, layout, config);
    }
    draw();
    redraws.push(draw);
  }

  function voltages(d) {
    const box = el("voltages"), scenario = el("voltage-scenario"), year = el("voltage-year"), told = el("voltage-status");
    const scenarios = [...new Set(d.cases.map((item) => item.scenario))], years = [...new Set(d.cases.map((item) => item.year))].sort((p, q) => p - q);
    fill(scenario, scenarios.map((name) => [name, "Scenario " + name]));
    fill(year, years.map((value) => [value, "year " + value]));
    scenario.value = scenarios.includes(d.start) ? d.start : scenarios[scenarios.length - 1];
    year.value = years[years.length - 1];
    function draw() {
      const found = d.cases.find((item) => item.scenario === scenario.value && String(item.year) === year.value);
      const traces = [], phases = Object.keys(d.colours).map(Number);
      const all = found.before.concat(found.after).filter((v) => v !== null && v > 0.5).concat(d.limits);
      const low = Math.min(...all), high = Math.max(...all), room = 0.06 * (high - low);
      [["before", "x", "y"], ["after", "x2", "y2"]].forEach(([when, x, y]) => phases.forEach((phase) => {
        const v = found[when], line = { x: [], y: [] }, dot = { x: [], y: [], text: [] };
        d.pairs.forEach(([p, q]) => { if (d.phase[p] === phase) { line.x.push(d.distance[p], d.distance[q], null); line.y.push(v[p], v[q], null); } });
        d.phase.forEach((k, i) => { if (k === phase) { dot.x.push(d.distance[i]); dot.y.push(v[i]); dot.text.push(`bus ${esc(d.bus[i])}, phase ${k}<br>${num(v[i], 4)} pu, ${num(d.distance[i], 3)} km`); } });
        traces.push({ type: "scatter", mode: "lines", x: line.x, y: line.y, xaxis: x, yaxis: y, hoverinfo: "skip", opacity: 0.7, line: { color: d.colours[phase], width: 1.2 } });
        traces.push({ type: "scatter", mode: "markers", x: dot.x, y: dot.y, text: dot.text, hoverinfo: "text", xaxis: x, yaxis: y, marker: { color: d.colours[phase], symbol: d.symbols[phase], size: 5 } });
      }));
      const span = (v) => { const ok = v.filter((value) => value !== null); return `${num(Math.min(...ok), 4)} to ${num(Math.max(...ok), 4)} pu`; };
      const axis = { range: [low - room, high + room], tickformat: ".2f" };
      const layout = panels(box, ["Before: " + span(found.before), "After: " + span(found.after)], "distance from the source [km]", ["voltage [pu]", "voltage [pu]"], { x: {}, y: axis, y2: axis });
      layout.shapes = [["x", "y"], ["x2", "y2"]].flatMap(([x, y]) => d.limits.map((v) => ({ type: "line", xref: x + " domain", yref: y, x0: 0, x1: 1, y0: v, y1: v, line: { color: d.line, width: 1.5, dash: "6px,3px" } })));
      const [before, after] = found.outside;
      told.textContent = `Outside ${d.limits[0]} to ${d.limits[1]} pu: ${before || "no"} node${before === 1 ? "" : "s"} before, ${after || "none"} after.`;
      return Plotly.react(box, traces, layout, config);
    }
    scenario.addEventListener("change", draw);
    year.addEventListener("change", draw);
    draw();
    redraws.push(draw);
  }

  // ---- tabs and start ----------------------------------------------------------------------

  document.querySelectorAll(".tabs").forEach((tabs) => {
    const buttons = Array.from(tabs.querySelectorAll("button")), parts = buttons.map((button) => el(button.getAttribute("aria-controls")));
    const show = (chosen) => buttons.forEach((button, i) => { button.setAttribute("aria-selected", String(i === chosen)); parts[i].classList.toggle("hidden", i !== chosen); });
    buttons.forEach((button, i) => button.addEventListener("click", () => show(i)));
    show(Number(tabs.dataset.start));
  });
  if (data.map) map(data.map);
  if (data.costs) costs(data.costs);
  if (data.voltages) voltages(data.voltages);
  let waiting = null, width = window.innerWidth;
  const onPaper = (on) => { printing = on; redraws.forEach((draw) => draw()); };
  window.addEventListener("beforeprint", () => onPaper(true));
  window.addEventListener("afterprint", () => onPaper(false));
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => redraws.forEach((draw) => draw()), 120);
  });
})();
