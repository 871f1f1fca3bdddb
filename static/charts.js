// Draws what stands in the page of a dashboard as data, with datasette-dashboards' functions.
const { charts, query, site, fills, minutes } = JSON.parse(document.getElementById("charts").textContent);
for (const [name, chart] of charts) {
  renderChart(name, chart, query, site, fills);
}
if (minutes) {
  autorefresh(minutes);
}
