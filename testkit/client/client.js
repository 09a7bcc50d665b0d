// What the three pages share: where CastRay is (`?base=http://HEAD:28823`), requests, and rows.
export const base = new URLSearchParams(location.search).get("base");

document.querySelector("header p").textContent = `Stand-in client, reading ${base}`;

export function add(parent, tag, text = "", name = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    made.className = name;
    document.querySelector(parent).append(made);
    return made;
}

// Returns the JSON of a reply; shows an error as droneOnCampus does, with CastRay's own words.
export async function call(path, options) {
    const reply = await fetch(base + path, options).catch((error) => error);
    const body = reply instanceof Response ? await reply.json() : { detail: String(reply) };
    if (!reply.ok) add("main", "section", `${path}: ${body.detail || body.msg}`, "wide error");
    return body;
}

export const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export function row(table, ...cells) {
    const made = document.createElement("tr");
    for (const cell of cells) made.append(Object.assign(document.createElement("td"), { textContent: cell }));
    document.querySelector(table).append(made);
}

export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
