// What every dialog does that posts its form by fetch: nothing of it may pass through the circuit, and what was typed has to outlive
// an error, a lost connection and a session that ended. Its markup is FormDialog.razor.

// What the dialog says when the answer does not come from its own endpoint. The last is what is to be pressed once more.
const said = {
  ended: button => ['Your session ended', `What you typed is still here. Sign in in the new tab, then press ${button} again.`],
  notRecent: button => ['Show that it is still you', `You signed in a while ago. Enter your password in the new tab, then press ${button} again; what you typed is still here.`],
  lost: button => ['The connection was lost', `Nothing was lost: press ${button} again.`],
  forbidden: () => ['Your role does not allow this', 'Ask an admin or the owner. Nothing was saved.'],
  unavailable: button => ['The server cannot save right now', `Nothing was saved and nothing was lost. Wait a moment, then press ${button} again.`],
  odd: button => ['The server did not accept the form', `Nothing was lost: press ${button} again.`],
};

export class FormDialog extends HTMLElement {
  // The fields that a person types into.
  names = [];

  // Those that must be filled to save.
  required = [];

  // What is said when the thing that the form is about is not there any more, and when the form is too long.
  gone = ['This does not exist any more', 'It was removed, or is no longer shared with you. Nothing was saved.'];
  tooLarge = ['That is too much to send', 'Nothing was saved.'];

  get saveAddress() {
    return this.form.getAttribute('action');
  }

  // Before it opens. opener: the data of the button that opens it, which may say for what.
  prepare(opener) {}

  // It is stored: whoever extends this leads the person on.
  done(answer) {}

  connectedCallback() {
    if (this.dialog) {
      return;
    }
    this.dialog = this.querySelector('dialog');
    this.form = this.querySelector('form');
    this.fields = this.form.elements;
    this.save = this.part('[data-do="save"]');

    // Captured, so that it comes first, whichever way the dialog is opened.
    document.addEventListener('click', event => {
      const opener = event.target.closest(`[commandfor="${this.dialog.id}"]`);
      if (opener) {
        this.prepare(opener.dataset);
      }
    }, true);

    this.form.addEventListener('submit', event => {
      event.preventDefault();
      this.submit();
    });
    this.addEventListener('click', event => this.act(event.target.closest('[data-do]')?.dataset.do));
    this.form.addEventListener('input', event => this.edited(event.target));

    // Escape and the browser's own ways to close; the dialog never closes by itself.
    this.dialog.addEventListener('cancel', event => {
      event.preventDefault();
      this.leave();
    });
    this.dialog.addEventListener('keydown', event => {
      if (event.key === 'Escape' && !event.isComposing) {
        event.preventDefault();
        this.leave();
      }
    });

    // A press on the dialog itself is one on its backdrop. Both ends count: text may be selected by dragging out of a field.
    this.dialog.addEventListener('pointerdown', event => this.pressedOutside = event.target === this.dialog);
    this.dialog.addEventListener('click', event => {
      if (event.target === this.dialog && this.pressedOutside) {
        this.leave();
      }
    });
    this.dialog.addEventListener('close', () => this.clear());
    addEventListener('beforeunload', event => this.typed && event.preventDefault());

    this.querySelectorAll('[disabled]').forEach(button => button.disabled = false);
  }

  // Whether something would be lost if the dialog closed now.
  get typed() {
    return this.dialog.open && this.names.some(name => this.fields[name].value !== '' || this.fields[name].validity.badInput);
  }

  part(selector) {
    return this.querySelector(selector);
  }

  act(what) {
    switch (what) {
      case 'cancel': return this.leave();
      case 'keep': return this.ask(false);
      case 'discard': return this.close();
    }
  }

  edited(field) {
    this.markTyped();
    this.fault(field.name, '');
  }

  // Read by the notice of a lost connection, which does not reload the page then.
  markTyped() {
    this.toggleAttribute('data-typed', this.typed);
  }

  leave() {
    if (!this.part('[data-discard]').hidden) {
      this.ask(false);
    } else if (this.typed) {
      this.ask(true);
    } else {
      this.close();
    }
  }

  ask(asking) {
    this.part('[data-discard]').hidden = !asking;
    this.part('[data-buttons]').hidden = asking;
    if (asking) {
      this.left = document.activeElement;
      this.part('[data-do="keep"]').focus();
    } else {
      this.left?.focus();
    }
  }

  close() {
    this.clear();
    this.dialog.close();
  }

  clear() {
    this.running?.abort();
    this.form.reset();
    this.fields.operation.value = '';
    this.part('[data-discard]').hidden = true;
    this.part('[data-buttons]').hidden = false;
    this.querySelectorAll('details').forEach(details => details.open = false);
    this.say();
    this.names.forEach(name => this.fault(name, ''));
    this.removeAttribute('data-typed');
  }

  fault(name, text) {
    const place = this.part(`[data-error="${name}"]`);
    if (place) {
      place.textContent = text;
      this.fields[name].toggleAttribute('aria-invalid', text !== '');
      if (text) {
        this.fields[name].setAttribute('aria-invalid', 'true');
        place.closest('details')?.setAttribute('open', '');
      }
    }
  }

  // Without a title it falls silent.
  say(tone, title, advice, offer) {
    const message = this.part('[data-message]');
    message.hidden = !title;
    message.dataset.tone = tone ?? '';
    this.part('[data-title]').textContent = title ?? '';
    this.part('[data-advice]').textContent = advice ?? '';
    message.querySelectorAll('[data-for]').forEach(element => element.hidden = element.dataset.for !== offer);
    if (title) {
      message.scrollIntoView({ block: 'nearest' });
    }
  }

  // Says what came in place of an outcome.
  sayInstead(what) {
    const [title, advice] = { gone: this.gone, tooLarge: this.tooLarge }[what] ?? said[what](this.save.textContent);
    this.say('warning', title, advice, what);
  }

  busy(running, text) {
    this.running = running;
    this.form.setAttribute('aria-busy', running !== null);
    this.part('[data-progress]').textContent = text;
    for (const button of this.querySelectorAll('[data-sends]')) {
      // Not disabled: a disabled button would drop the focus that stands on it.
      button.setAttribute('aria-disabled', running !== null);
    }
  }

  complete(names) {
    const missing = names.filter(name => this.fields[name].value.trim() === '');
    missing.forEach(name => this.fault(name, this.fields[name].dataset.missing));
    // A day of which only a part was typed has no value: it would be lost without a word.
    const partial = this.names.filter(name => this.fields[name].validity.badInput);
    partial.forEach(name => this.fault(name, this.fields[name].dataset.partial ?? 'Enter a whole day, or leave it empty.'));
    const faulty = [...missing, ...partial];
    this.fields[faulty[0]]?.focus();
    return faulty.length === 0;
  }

  submit() {
    return this.send(this.saveAddress, { progress: 'Saving…' });
  }

  // extra: fields beside those of the form; required: the names of those that must be filled.
  async send(address, { extra = {}, required = this.required, progress }) {
    if (this.running) {
      return;
    }
    this.say();
    this.names.forEach(name => this.fault(name, ''));
    if (!this.complete(required)) {
      return;
    }
    const running = new AbortController();
    this.busy(running, progress);
    let answer;
    try {
      answer = await this.post(address, extra, running.signal);
    } catch {
      answer = 'lost';
    }
    if (running.signal.aborted) {
      return this.running === running && this.busy(null, '');
    }
    this.busy(null, '');
    this.tell(answer);
  }

  // Answers the outcome the endpoint gave, or the name of what came instead.
  async post(address, extra, signal) {
    if (this.stale) {
      await this.renew(signal);
    }
    this.fields.operation.value ||= crypto.randomUUID();
    const body = new URLSearchParams(new FormData(this.form));
    Object.entries(extra).forEach(([name, value]) => body.set(name, value));

    const response = await fetch(address, { method: 'POST', body, signal, redirect: 'error', headers: { Accept: 'application/json' } });
    // The antiforgery token belongs to the session: after a new sign-in another one is due.
    this.stale = response.status === 401 || response.status === 400;
    this.sessionEnded ||= response.status === 401;
    const json = response.headers.get('Content-Type')?.includes('json') ? await response.json() : null;
    return json?.outcome && response.ok ? json : json?.code === 'sign_in_not_recent' ? 'notRecent' : this.nameOf(response.status);
  }

  nameOf(status) {
    return { 401: 'ended', 403: 'forbidden', 404: 'gone', 413: 'tooLarge', 503: 'unavailable', 507: 'unavailable' }[status] ?? 'odd';
  }

  async renew(signal) {
    const response = await fetch('/antiforgery-token', { signal, redirect: 'error', headers: { Accept: 'application/json' } });
    if (response.ok) {
      this.fields.__RequestVerificationToken.value = (await response.json()).token;
    }
  }

  tell(answer) {
    if (typeof answer === 'string') {
      return this.sayInstead(answer);
    }
    if (answer.outcome === 'invalid') {
      Object.entries(answer.errors ?? {}).forEach(([name, text]) => this.fault(name, text));
      this.part('[aria-invalid]')?.focus();
      return;
    }
    this.done(answer);
  }

  // The circuit of a page belongs to the session it was opened in: once that has ended, it shows nothing more, however it looks.
  get pageIsLive() {
    return !this.sessionEnded && Boolean(document.querySelector('[data-interactive]') && !document.querySelector('reconnect-notice:not([data-state="hide"])') && window.Blazor);
  }

  // Leaves a page that is not live for the address, where the focus goes to the selector. The dialog stays open until the page is gone:
  // when it closes, a page that is no longer live reloads itself.
  goTo(address, selector) {
    this.clear();
    this.part('[data-progress]').textContent = 'Saved.';
    sessionStorage.setItem('focus', selector);
    location.href === String(address) ? location.reload() : location.assign(address);
  }
}
