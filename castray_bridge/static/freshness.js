/** The age of the data: connection state in the header, banners above the cards. */

import { useToken } from "./api.js";
import { setText } from "./dom.js";

const part = (id) => document.getElementById(id);

export class Freshness {
  #connection;
  #language;

  constructor(connection, language) {
    this.#connection = connection;
    this.#language = language;
    part("token").addEventListener("submit", (event) => {
      event.preventDefault();
      useToken(new FormData(event.target).get("token").trim());
      connection.retryNow();
    });
  }

  show() {
    const language = this.#language;
    const { state, dataAt, failure, needsToken } = this.#connection;
    const isOld = state === "lost" && dataAt !== null;
    const isUnconfirmed = !isOld && failure !== null;
    part("link").dataset.link = state;
    setText(part("link"), language.text(`link_${state}`));
    document.body.classList.toggle("old", isOld);
    const clock = () => language.clock(dataAt);
    setText(part("warning"), isOld ? language.text("old", { clock: clock() }) : isUnconfirmed ? language.text("source") : "");
    setText(part("age"), isOld ? language.text("ago", { age: language.duration(Date.now() - dataAt) }) : "");
    setText(part("reason"), isUnconfirmed ? failure : "");
    part("banner").hidden = !isOld && !isUnconfirmed;
    part("token").hidden = !needsToken;
  }
}
