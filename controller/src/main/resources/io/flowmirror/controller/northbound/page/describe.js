// SPDX-License-Identifier: Apache-2.0
// The description of the API, to be read.

import { badge, el, fill } from "./dom.js";

const main = document.getElementById("main");
const METHODS = ["get", "put", "post", "delete", "patch"];
const TONES = { get: "quiet", put: "info", post: "info", delete: "bad" };

function resolve(document_, thing) {
  if (!thing?.$ref) {
    return thing ?? {};
  }
  return thing.$ref
    .slice(2)
    .split("/")
    .reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document_);
}

/** A schema in a few words; a named one is a link to itself. */
function type(schema) {
  if (!schema) {
    return ["anything"];
  }
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return [el("a", { href: `#schema-${name}` }, name)];
  }
  if (schema.enum) {
    return [schema.enum.join(" | ")];
  }
  if (schema.type === "array") {
    return ["list of ", ...type(schema.items)];
  }
  const limits = [];
  if (schema.minimum !== undefined || schema.maximum !== undefined) {
    limits.push(`${schema.minimum ?? ""}–${schema.maximum ?? ""}`);
  }
  if (schema.pattern) {
    limits.push(schema.pattern);
  }
  if (schema.default !== undefined) {
    limits.push(`${schema.default} if absent`);
  }
  return [[schema.format ?? schema.type ?? "anything", ...limits].join(", ")];
}

function fields(schema) {
  const required = schema.required ?? [];
  return el(
    "table",
    { class: "small" },
    el("thead", {}, el("tr", {}, ...["Field", "Type", ""].map((head) => el("th", { scope: "col" }, head)))),
    el(
      "tbody",
      {},
      ...Object.entries(schema.properties ?? {}).map(([name, its]) =>
        el(
          "tr",
          {},
          el("td", {}, el("code", {}, name), required.includes(name) ? "" : el("span", { class: "hint" }, " may be absent")),
          el("td", {}, ...(its.type === "object" && its.properties ? ["object"] : type(its))),
          el("td", {}, its.description ?? "", its.type === "object" && its.properties ? fields(its) : ""),
        ),
      ),
    ),
  );
}

function content(found) {
  return Object.entries(found ?? {}).flatMap(([media, its], i) => [
    i ? ", or " : "",
    el("code", {}, media),
    its.schema?.$ref ? ": " : "",
    ...(its.schema?.$ref ? type(its.schema) : []),
  ]);
}

function operation(document_, path, method, found, shared) {
  const parameters = [...(shared ?? []), ...(found.parameters ?? [])].map((each) => resolve(document_, each));
  const id = found.operationId;
  return el(
    "section",
    { class: "panel operation", id, "aria-labelledby": `${id}-title` },
    el("h3", { id: `${id}-title` }, badge(method.toUpperCase(), TONES[method] ?? "quiet"), " ", el("code", {}, path)),
    el("p", {}, found.summary ?? ""),
    found.description ? el("p", {}, found.description) : null,
    parameters.length
      ? el(
          "table",
          { class: "small" },
          el("thead", {}, el("tr", {}, ...["Parameter", "Where", "Type", ""].map((head) => el("th", { scope: "col" }, head)))),
          el(
            "tbody",
            {},
            ...parameters.map((each) =>
              el(
                "tr",
                {},
                el("td", {}, el("code", {}, each.name)),
                el("td", {}, each.in),
                el("td", {}, ...type(each.schema)),
                el("td", {}, each.description ?? ""),
              ),
            ),
          ),
        )
      : null,
    found.requestBody ? el("p", {}, "Body: ", ...content(found.requestBody.content)) : null,
    el(
      "ul",
      { class: "responses" },
      ...Object.entries(found.responses ?? {}).map(([status, each]) => {
        const its = resolve(document_, each);
        return el("li", {}, el("strong", {}, status === "default" ? "otherwise" : status), ` ${its.description ?? ""} `, ...content(its.content));
      }),
    ),
  );
}

function show(found) {
  const operations = Object.entries(found.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, found: item[method], shared: item.parameters })),
  );
  fill(
    main,
    el("h1", { tabindex: "-1" }, `${found.info.title} API, version ${found.info.version}`),
    ...String(found.info.description ?? "").trim().split("\n").map((line) => el("p", {}, line)),
    el(
      "nav",
      { class: "panel contents", "aria-label": "Operations" },
      el(
        "ul",
        {},
        ...operations.map((each) =>
          el("li", {}, el("a", { href: `#${each.found.operationId}` }, `${each.method.toUpperCase()} ${each.path}`), el("span", { class: "hint" }, ` ${each.found.summary ?? ""}`)),
        ),
      ),
    ),
    el("h2", {}, "Operations"),
    ...operations.map((each) => operation(found, each.path, each.method, each.found, each.shared)),
    el("h2", {}, "Schemas"),
    ...Object.entries(found.components?.schemas ?? {}).map(([name, schema]) =>
      el(
        "section",
        { class: "panel", id: `schema-${name}`, "aria-label": name },
        el("h3", {}, name),
        schema.description ? el("p", {}, schema.description) : null,
        schema.properties ? fields(schema) : el("p", {}, ...type(schema)),
      ),
    ),
  );
  // The place that the address names has come to be only now.
  if (location.hash.length > 1) {
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }
}

try {
  const answer = await fetch("/v1/openapi.json", { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    throw new Error(`The answer was ${answer.status}.`);
  }
  show(await answer.json());
} catch (e) {
  fill(main, el("p", { class: "problem" }, `The description could not be read. ${e.message}`));
}
