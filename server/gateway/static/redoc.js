// ReDoc on our document. Its search runs in a worker made of a blob, which `default-src 'self'` forbids: the page is
// one page, so the browser's own search finds everything. Fonts are the system's, not a font service's.
Redoc.init(
  "openapi.json",
  {
    disableSearch: true,
    nativeScrollbars: true,
    sortRequiredPropsFirst: true,
    theme: {
      typography: {
        fontFamily: "system-ui, sans-serif",
        headings: { fontFamily: "system-ui, sans-serif" },
        code: { fontFamily: "ui-monospace, monospace" },
      },
    },
  },
  document.getElementById("redoc"),
);
