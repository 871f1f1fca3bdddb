// Names, and focus where one has to scroll, for what other scripts draw and leave out.
const missing = [
  [".vega-embed summary", "aria-label", "Save or open this chart"],
  [".CodeMirror textarea", "aria-label", "SQL"],
  [".dashboard-card-chart > div[style*='overflow']", "tabindex", "0"],
];

function add() {
  for (const [place, attribute, value] of missing) {
    for (const element of document.querySelectorAll(`${place}:not([${attribute}])`)) {
      element.setAttribute(attribute, value);
    }
  }
}

new MutationObserver(add).observe(document.body, { childList: true, subtree: true });
add();
