/* Cells of the long tables; their look is in 3-parts.css. */
(function (cw) {
  "use strict";
  const components = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  const h = () => window.React.createElement;

  // A link that keeps the page: the address changes as by any other link of the application.
  components.PageLink = function (props) {
    const target = props.data[props.colDef.field + "_href"];
    if (!target) return props.value;
    return h()(
      "a",
      {
        href: target,
        title: props.value, // a narrow column may cut it
        onClick: function (event) {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          window.history.pushState({}, "", target);
          window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
        },
      },
      props.value,
    );
  };

  components.Chip = function (props) {
    if (!props.value) return null;
    return h()("span", { className: "chip " + (props.data[props.colDef.field + "_class"] || "") }, props.value);
  };

  components.Age = function (props) {
    return h()("time", { className: "age", "data-at": props.value || "" });
  };

  components.Raw = function (props) {
    return h()("code", { title: props.value }, props.value);
  };

  functions.wholeNumber = function (params) {
    return cw.number(params.value, 0);
  };

  functions.instant = function (params) {
    return params.value ? cw.instant(new Date(params.value), true) : "–";
  };
})(window.citywatch);
