// Charts over the figures that stand in the tables beside them. Without this script the tables are all there is, whole.
"use strict";

{
  const root = document.documentElement;
  const locale = root.lang === "de" ? "de-DE" : "en-GB";
  const numbers = new Intl.NumberFormat(locale);
  const dated = (at, zone, style) => new Intl.DateTimeFormat(locale, { timeZone: zone, ...style }).format(new Date(at));
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const PAPER = 680; // pixels between the margins of A4
  const charts = [];

  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const make = (name, ...inside) => {
    const element = document.createElement(name);
    element.append(...inside);
    return element;
  };

  // --- one chart: panels below each other over one axis

  // All panels begin at the same line, so that what stands below each other belongs together.
  const grids = (panels) => {
    const most = Math.max(...panels.flatMap((panel) => panel.series).flatMap((one) => one.values));
    const left = 22 + 7 * numbers.format(Math.round(most * 1.2)).length;
    const sides = { left, right: 12, outerBoundsMode: "none" };
    if (panels.length === 1) return [{ ...sides, top: 30, bottom: 26 }];
    return [
      { ...sides, top: 30, bottom: "38%" },
      { ...sides, top: "74%", bottom: 26 },
    ];
  };

  const axis = (data, number) => ({
    gridIndex: number,
    type: data.instants ? "time" : "category",
    data: data.instants ? undefined : data.labels,
    axisLabel: {
      show: number === data.panels.length - 1,
      color: colour("quiet"),
      hideOverlap: true,
      ...(data.instants ? { formatter: (at) => dated(at, data.zone, { day: "numeric", month: "numeric" }) } : {}),
    },
    axisLine: { lineStyle: { color: colour("bs-border-color") }, onZero: true },
    axisTick: { show: false },
    splitLine: { show: false },
  });

  const scale = (panel, number) => ({
    gridIndex: number,
    type: "value",
    name: panel.name,
    nameLocation: "end",
    nameTextStyle: { color: colour("quiet"), align: "left" },
    minInterval: 1,
    splitNumber: panel.low ? 2 : 4,
    axisLabel: { color: colour("quiet"), formatter: (value) => numbers.format(value) },
    splitLine: { lineStyle: { color: colour("bs-border-color") } },
  });

  const drawn = (data, one, number) => ({
    name: one.name,
    type: data.instants ? "line" : "bar",
    xAxisIndex: number,
    yAxisIndex: number,
    stack: data.instants ? undefined : `panel-${number}`,
    barMaxWidth: 34,
    symbolSize: 6,
    showSymbol: true,
    data: data.instants ? one.values.map((value, at) => [data.instants[at], value]) : one.values,
    itemStyle: { color: colour(one.tone ?? (data.panels[number].low ? "quiet" : "strong")), ...(one.tone ? { decal: hatched() } : {}) },
  });

  // What is taken back is told by its place and by lines, not by colour alone.
  const hatched = () => ({ symbol: "rect", color: colour("sheet"), dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: Math.PI / 4 });

  // Where something went out and no figure is known there stands a question mark, never a bar of no height.
  const unknowns = (data, one, number) => ({
    type: "scatter",
    xAxisIndex: number,
    yAxisIndex: number,
    symbolSize: 1,
    itemStyle: { color: "transparent" },
    silent: true,
    tooltip: { show: false },
    data: one.unknown.map((is) => (is ? 0 : null)),
    label: { show: true, formatter: "?", color: colour("quiet"), position: "top", fontSize: 16, fontWeight: "bold" },
    animation: false,
  });

  const told = (data) => (found) => {
    const at = found[0].dataIndex;
    const title = data.instants ? dated(data.instants[at], data.zone, { dateStyle: "medium", timeStyle: "short" }) : data.titles[at];
    const lines = data.panels.flatMap((panel) => panel.series).map((one) => {
      const value = one.values[at];
      return make("p", `${one.name}: ${value === null ? "–" : numbers.format(value)}`);
    });
    const box = make("div", make("strong", title), ...lines);
    box.className = "chart-tip";
    return box;
  };

  const options = (data) => ({
    animation: !still.matches,
    animationDuration: 400,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("bs-body-color") },
    grid: grids(data.panels),
    xAxis: data.panels.map((_, number) => axis(data, number)),
    yAxis: data.panels.map(scale),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    tooltip: {
      trigger: "axis",
      formatter: told(data),
      confine: true,
      backgroundColor: colour("sheet"),
      borderColor: colour("bs-border-color"),
      textStyle: { color: colour("bs-body-color") },
      axisPointer: { type: data.instants ? "line" : "shadow" },
    },
    series: data.panels.flatMap((panel, number) =>
      panel.series.flatMap((one) => [drawn(data, one, number), ...(one.unknown ? [unknowns(data, one, number)] : [])]),
    ),
  });

  const draw = (box) => {
    const data = JSON.parse(document.getElementById(box.dataset.chart).textContent);
    const chart = echarts.init(box);
    chart.setOption(options(data));
    charts.push({ box, chart, data });
  };

  const redraw = (more = {}) => {
    for (const { chart, data } of charts) chart.setOption({ ...options(data), ...more }, true);
  };

  if (window.echarts) {
    for (const box of document.querySelectorAll("[data-chart]")) draw(box);
    for (const table of document.querySelectorAll("[data-beside-chart]")) table.open = false;
    new ResizeObserver(() => charts.forEach(({ chart }) => chart.resize())).observe(document.body);
    new MutationObserver(() => redraw()).observe(root, { attributes: true, attributeFilter: ["data-bs-theme"] });
  }

  // --- printing: in light colours, every table open

  let opened = [];
  const theme = () => root.getAttribute("data-bs-theme");
  let before = null;
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.as-table:not([open])")];
    for (const table of opened) table.open = true;
    before = theme();
    root.setAttribute("data-bs-theme", "light");
    redraw({ animation: false });
    // As wide as the paper, so that its letters are not shrunk with it.
    for (const { box, chart } of charts) chart.resize({ width: PAPER, height: Math.min(box.clientHeight, 280) });
  });
  addEventListener("afterprint", () => {
    for (const table of opened) table.open = false;
    if (before) root.setAttribute("data-bs-theme", before);
    for (const { chart } of charts) chart.resize({ width: "auto", height: "auto" });
  });
  document.querySelector("[data-print]")?.addEventListener("click", () => print());
}
