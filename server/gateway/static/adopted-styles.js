// ReDoc writes <style> elements, which `default-src 'self'` forbids, and should. What asks for one gets an element here
// that the browser has no opinion about; its rules go to a constructed sheet, which the policy allows.
(() => {
  "use strict";

  const create = document.createElement.bind(document);

  function styleElement() {
    const element = create("adopted-style");
    const sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    Object.defineProperty(element, "sheet", { value: sheet });
    // Rules come by `element.sheet.insertRule`, or as text; an empty text is only how the first way begins.
    const rewrite = () => element.textContent && sheet.replaceSync(element.textContent);
    new MutationObserver(rewrite).observe(element, { characterData: true, childList: true, subtree: true });
    return element;
  }

  document.createElement = (name, options) => (name === "style" ? styleElement() : create(name, options));
})();
