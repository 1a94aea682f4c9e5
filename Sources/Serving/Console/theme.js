// Runs before the first paint, so that a page that is to be dark is never seen white. `system` leaves the choice to the browser.
(() => {
  const key = "millrace.theme";
  let held = "system";
  try { held = localStorage.getItem(key) ?? "system"; } catch { /* No storage: the choice lasts as long as the page. */ }
  const show = (theme) => {
    held = theme;
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  show(held);
  window.millraceTheme = {
    get current() { return held; },
    next() {
      show({ system: "light", light: "dark" }[held] ?? "system");
      try { localStorage.setItem(key, held); } catch { /* As above. */ }
      return held;
    },
  };
})();
