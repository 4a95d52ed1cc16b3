// Charts that can be pointed at, in place of the pictures that the server drew: the same numbers, with axes in the reader's zone and words.
"use strict";

(() => {
  if (!window.uPlot) return; // the pictures stay
  const lang = document.documentElement.lang;
  const HEIGHT = 210, LEAST = 220; // pixels
  const ROOM = 64; // pixels that a time below the axis wants
  const charts = new Map(); // by the figure that each stands in
  const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const day = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric" });
  const hour = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const whole = new Intl.DateTimeFormat(lang, { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const told = (value) => (value === null || value === undefined ? "–" : number.format(value));

  // Periods stand in the middle of their bars. A day is named by its noon: its midnight, in the place's zone, may be another date here.
  function periods(figure) {
    const [first, step] = [Number(figure.dataset.first), Number(figure.dataset.step)];
    const counts = figure.dataset.counts.split(" ").map(Number);
    const xs = counts.map((_, nth) => first + step * (nth + 0.5));
    const days = step > 3600000;
    return {
      counts, xs, step,
      short: (x) => (days ? day : hour).format(new Date(days ? x : x - step / 2)),
      long: (x) => (days ? day : whole).format(new Date(days ? x : x - step / 2)),
    };
  }

  function axis(more) {
    return { stroke: colour("--soft"), font: "12px " + getComputedStyle(document.body).fontFamily, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, ...more };
  }

  // The legend tells what is pointed at; while nothing is, the period that is judged.
  function line(label, stroke, dash, constant) {
    return { label, stroke: colour(stroke), width: 2, dash, points: { show: false }, value: () => told(constant) };
  }

  function bars(label, fill, otherwise) {
    return {
      label, fill: colour(fill), stroke: colour(fill), width: 0, paths: uPlot.paths.bars({ size: [0.8, 60] }), points: { show: false },
      value: (_, value, __, at) => told(at === null ? otherwise : value),
    };
  }

  function growth(figure) {
    const { counts, xs, step, short, long } = periods(figure);
    const words = figure.dataset;
    const last = counts.length - 1;
    const data = [xs, counts.map((count, nth) => (nth < last ? count : null)), counts.map((count, nth) => (nth < last ? null : count))];
    const series = [
      { label: words.periodName, value: (_, x, __, at) => long(at === null ? xs[last] : x) },
      bars(words.beforeName, "--accent", null),
      bars(words.nowName, "alarm" in words ? "--bad" : "--warn", counts[last]),
    ];
    for (const [value, label, stroke, dash] of [[words.usual, words.usualName, "--soft", [2, 4]], [words.threshold, words.alarmName, "--bad", [7, 4]]]) {
      if (value === undefined) continue;
      data.push(xs.map(() => Number(value)));
      series.push(line(label, stroke, dash, Number(value)));
    }
    const top = Math.max(1, ...data.slice(1).flat().filter((value) => value !== null)) * 1.08;
    return [{
      series,
      scales: { x: { time: false, range: () => [xs[0] - step / 2, xs[last] + step / 2] }, y: { range: () => [0, top] } },
      axes: [
        axis({
          splits: (self) => { const each = Math.max(1, Math.ceil(xs.length * ROOM / self.bbox.width * devicePixelRatio)); return xs.filter((_, nth) => (last - nth) % each === 0); },
          values: (_, splits) => splits.map(short), grid: { show: false }, size: 30,
        }),
        axis({ size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000], values: (_, splits) => splits.map((it) => number.format(it)) }),
      ],
    }, data];
  }

  const kinds = { growth };
  const width = (figure) => Math.max(LEAST, figure.clientWidth);
  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const chart = charts.get(target);
      if (chart && chart.width !== width(target)) chart.setSize({ width: width(target), height: HEIGHT });
    }
  });

  function draw(figure) {
    const kind = kinds[figure.dataset.chart];
    if (charts.has(figure) || !kind) return;
    const [options, data] = kind(figure);
    const chart = new uPlot({ width: width(figure), height: HEIGHT, cursor: { drag: { x: false, y: false }, y: false }, ...options }, data, figure);
    // One picture to who does not see it; its numbers stand in the table.
    chart.root.setAttribute("role", "img");
    chart.root.setAttribute("aria-label", figure.dataset.words);
    for (const picture of figure.querySelectorAll(":scope > svg")) picture.setAttribute("hidden", "");
    charts.set(figure, chart);
    sized.observe(figure);
  }

  function scan() {
    for (const [figure, chart] of charts) {
      if (figure.isConnected) continue;
      sized.unobserve(figure);
      chart.destroy();
      charts.delete(figure);
    }
    for (const figure of document.querySelectorAll(".chart")) draw(figure);
  }

  // Colours are the page's: they are asked anew when it turns dark or light.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const chart of charts.values()) chart.redraw(); });
  document.addEventListener("htmx:load", scan);
  scan();
})();
