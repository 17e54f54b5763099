// The import page. The file is read once, here, and sent twice: for a preview, and to import it. The server keeps nothing of it between.

const said = {
  ended: 'Your session ended. Sign in in the new tab, then go on here: the file is still chosen.',
  lost: 'The connection was lost. What is marked as imported is saved; go on to import the rest.',
  stopped: 'Stopped. What is marked as imported is saved; the rest is not.',
  unavailable: 'The server cannot save right now. What is marked as imported is saved; wait a moment, then go on.',
  tooLarge: 'The file is too large. Split it, and import one part after the other.',
  odd: 'The server did not accept the file. Reload the page and choose it again.',
};

const words = {
  new: 'New',
  duplicate: 'Left out',
  faulty: 'Not possible',
  saved: 'Imported',
  savedUnverified: 'Unverified',
  refused: 'Refused',
  cannotTell: 'Not tested',
  notAsked: 'Not tested',
};

const outcomes = [
  ['saved', 'imported'],
  ['new', 'still to do'],
  ['savedUnverified', 'imported without verifying'],
  ['refused', 'refused by ReSci'],
  ['cannotTell', 'not tested'],
  ['notAsked', 'not tested'],
  ['duplicate', 'left out'],
  ['faulty', 'not possible'],
];

// What came instead of an answer, by its name in "said".
class Instead extends Error {}

const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

class ImportCredentials extends HTMLElement {
  connectedCallback() {
    if (this.input) {
      return;
    }
    this.input = this.part('input[type="file"]');
    this.rows = new Map();
    this.input.addEventListener('change', () => this.choose());
    this.addEventListener('change', event => event.target.name === 'duplicates' && this.offer());
    this.part('[data-do="import"]').addEventListener('click', () => this.import());
    this.part('[data-do="stop"]').addEventListener('click', () => this.running?.abort());
    addEventListener('beforeunload', event => this.running && event.preventDefault());
    this.input.disabled = false;
    // A browser that came back to the page may have kept what was chosen.
    this.choose();
  }

  part(selector) {
    return this.querySelector(selector);
  }

  async choose() {
    const [file] = this.input.files;
    this.reading?.abort();
    this.part('[data-found]').hidden = true;
    this.fault('');
    if (!file) {
      return;
    }
    if (file.size > Number(this.dataset.mostBytes)) {
      return this.fault(said.tooLarge);
    }
    const reading = this.reading = new AbortController();
    try {
      this.bytes = await file.arrayBuffer();
      // The same for every attempt: what was saved by one of them is not saved again by the next.
      this.id = crypto.randomUUID();
      await this.preview(reading.signal);
    } catch (error) {
      if (!reading.signal.aborted) {
        this.fault(error instanceof Instead ? said[error.message] ?? error.message
          : error instanceof DOMException ? 'The file cannot be read. Choose it again.' : said.lost);
      }
    }
  }

  async preview(signal) {
    this.rows.clear();
    const list = this.part('[data-rows]');
    list.replaceChildren();
    for await (const row of this.send('/credentials/import/preview', signal)) {
      this.rows.set(row.line, { ...row, element: this.add(list, row) });
    }
    this.tried = false;
    this.say();
    this.part('[name="duplicates"]').checked = false;
    this.part('[data-found]').hidden = false;
    this.offer();
    this.part('[data-title]').focus();
  }

  add(list, row) {
    const element = this.part('template').content.firstElementChild.cloneNode(true);
    list.append(element);
    element.querySelector('[data-name]').textContent = row.name ?? '';
    element.querySelector('[data-description]').textContent = row.description ?? '';
    element.querySelector('[data-line]').textContent = `Line ${row.line}`;
    element.querySelector('[data-key]').hidden = !row.fingerprint;
    element.querySelector('[data-last-four]').textContent = row.lastFour ? `…${row.lastFour}` : '';
    element.querySelector('[data-last-four]').hidden = !row.lastFour;
    element.querySelector('[data-fingerprint]').textContent = row.fingerprint ?? '';
    this.show(element, row);
    return element;
  }

  show(element, { state, text }) {
    element.dataset.state = state;
    element.querySelector('[data-text]').textContent = text ?? '';
    element.querySelector('[data-word]').textContent = words[state];
  }

  count(...states) {
    return [...this.rows.values()].filter(row => states.includes(row.state)).length;
  }

  // What there is to import, and how many.
  offer() {
    const duplicates = this.part('[name="duplicates"]');
    const twice = this.count('duplicate');
    const left = this.count('new', 'refused', 'cannotTell', 'notAsked') + (duplicates.checked ? twice : 0);
    this.part('[data-for="duplicates"]').hidden = twice === 0;
    this.part('[data-duplicates]').textContent = `${counted(twice, 'row')} of this file.`;
    this.part('[data-options]').hidden = left === 0 && twice === 0;
    const button = this.part('[data-do="import"]');
    button.hidden = left === 0;
    button.textContent = this.tried ? `Try the other ${left}` : `Import ${counted(left, 'credential')}`;
    this.part('[data-leave]').classList.toggle('primary', left === 0 && this.tried);
    this.part('[data-title]').textContent = this.tried ? this.outcome()
      : left === 0 ? 'Nothing to import' : `${counted(left, 'credential')} to import`;
  }

  outcome() {
    const parts = new Map();
    for (const [state, text] of outcomes) {
      parts.set(text, (parts.get(text) ?? 0) + this.count(state));
    }
    return [...parts].filter(([text, number]) => number > 0 || text === 'imported').map(([text, number]) => `${number} ${text}`).join(', ');
  }

  async import() {
    if (this.running) {
      return;
    }
    const running = new AbortController();
    this.busy(running);
    this.say();
    const wishes = new URLSearchParams({
      id: this.id,
      duplicates: this.part('[name="duplicates"]').checked,
      unverified: this.part('[name="unverified"]').checked,
    });
    let done = 0;
    this.progress(done);
    try {
      for await (const answer of this.send(`/credentials/import/run?${wishes}`, running.signal)) {
        const row = this.rows.get(answer.line);
        Object.assign(row, answer);
        this.show(row.element, answer);
        this.progress(++done);
      }
    } catch (error) {
      this.say(running.signal.aborted ? 'stopped' : error instanceof Instead ? error.message : 'lost');
    }
    this.tried = true;
    this.busy(null);
    this.offer();
    this.part('[data-title]').focus();
  }

  progress(done) {
    const bar = this.part('progress');
    [bar.max, bar.value] = [this.rows.size, done];
    this.part('[data-progress]').textContent = `Testing each key with ReSci and saving it: ${done} of ${counted(this.rows.size, 'row')} done.`;
  }

  busy(running) {
    this.running = running;
    this.part('[data-running]').hidden = running === null;
    this.part('[data-options]').hidden = running !== null;
    this.part('[data-do="import"]').hidden = running !== null;
    this.part('[data-do="stop"]').hidden = running === null;
    this.part('[data-leave]').hidden = running !== null;
    this.input.disabled = running !== null;
    if (running) {
      this.part('[data-do="stop"]').focus();
    }
  }

  fault(text) {
    this.part('[data-fault]').textContent = text;
    this.input.toggleAttribute('aria-invalid', text !== '');
    if (text) {
      this.input.setAttribute('aria-invalid', 'true');
    }
  }

  // Without a name it falls silent.
  say(name) {
    this.part('[data-message]').hidden = !name;
    this.part('[data-said]').textContent = name ? said[name] ?? name : '';
    this.part('[data-sign-in]').hidden = name !== 'ended';
  }

  // Sends the file, and gives each row as its line of the answer comes.
  async *send(address, signal) {
    // Asked for anew each time: it belongs to the session, and a new sign-in has another one.
    const { token } = await (await this.ask('/antiforgery-token', { signal, cache: 'no-store' })).json();
    const response = await this.ask(address, {
      method: 'POST',
      body: this.bytes,
      signal,
      headers: { 'Content-Type': 'application/octet-stream', RequestVerificationToken: token, Accept: 'application/x-ndjson' },
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    let ending;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const answer = JSON.parse(line);
        if (answer.end) {
          ending = answer;
        } else {
          yield answer;
        }
      }
    }
    if (ending?.end !== 'done') {
      throw new Instead(ending?.text ?? ending?.end ?? 'lost');
    }
  }

  async ask(address, options) {
    const response = await fetch(address, { redirect: 'error', ...options });
    if (!response.ok) {
      throw new Instead({ 401: 'ended', 413: 'tooLarge', 503: 'unavailable', 507: 'unavailable' }[response.status] ?? 'odd');
    }
    return response;
  }
}

customElements.define('import-credentials', ImportCredentials);
