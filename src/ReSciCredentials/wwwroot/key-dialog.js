// What every dialog that a key is typed into does. It posts its form by fetch, because nothing of it may pass through the circuit,
// and because what was typed has to outlive an error, a lost connection and a session that ended.

const again = 'Nothing was lost: press Save again.';

// What the dialog says when the answer does not come from the credentials' own endpoint.
const said = {
  ended: ['Your session ended', 'What you typed is still here. Sign in in the new tab, then press Save again.'],
  lost: ['The connection was lost', again],
  forbidden: ['Your role does not allow this', 'Ask an admin or the owner of the credential. Nothing was saved.'],
  gone: ['This credential does not exist any more', 'It was deleted, or is no longer shared with you. Nothing was saved.'],
  unavailable: ['The server cannot save right now', 'Nothing was saved and nothing was lost. Wait a moment, then press Save again.'],
  tooLarge: ['That is too much to send', 'Nothing was saved. Shorten the description, or paste the API key alone, then press Save again.'],
  odd: ['The server did not accept the form', again],
};

// What it says when the endpoint gives an outcome without a title.
const titles = {
  accepted: 'ReSci accepted this key',
  refused: 'ReSci refused this key',
  cannotTell: 'The key could not be tested',
  same: 'There is one like it already',
  busy: 'Too many tests at once',
};

export class KeyDialog extends HTMLElement {
  // The fields that a person types into.
  names = ['key'];

  // Those that must be filled to save. A key can be tested alone.
  required = ['key'];

  get saveAddress() {
    return this.form.getAttribute('action');
  }

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
    this.consent = {};

    this.form.addEventListener('submit', event => {
      event.preventDefault();
      this.send(this.saveAddress, this.consent);
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

  get typed() {
    return this.dialog.open && this.names.some(name => this.fields[name].value !== '' || this.fields[name].validity.badInput);
  }

  part(selector) {
    return this.querySelector(selector);
  }

  act(what) {
    switch (what) {
      case 'test': return this.send('/credentials/test', {});
      case 'save-unverified': return this.send(this.saveAddress, this.consent = { ...this.consent, unverified: true });
      case 'show': return this.show(this.fields.key.type === 'password');
      case 'cancel': return this.leave();
      case 'keep': return this.ask(false);
      case 'discard': return this.close();
    }
  }

  // Consent is for the very values it was asked about.
  edited(field) {
    this.toggleAttribute('data-typed', this.typed);
    if (this.required.includes(field.name)) {
      this.agree({});
    }
    this.fault(field.name, '');
  }

  agree(consent) {
    this.consent = consent;
    this.save.textContent = consent.same || consent.instead ? 'Save anyway' : 'Save';
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
    this.show(false);
    this.part('[data-discard]').hidden = true;
    this.part('[data-buttons]').hidden = false;
    this.querySelectorAll('details').forEach(details => details.open = false);
    this.agree({});
    this.say();
    this.names.forEach(name => this.fault(name, ''));
    this.removeAttribute('data-typed');
  }

  show(shown) {
    const button = this.part('[data-do="show"]');
    this.fields.key.type = shown ? 'text' : 'password';
    button.setAttribute('aria-pressed', shown);
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
    this.say('warning', ...said[what], what);
  }

  busy(running, text) {
    this.running = running;
    this.form.setAttribute('aria-busy', running !== null);
    this.part('[data-progress]').textContent = text;
    for (const button of this.querySelectorAll('[data-do="test"], [data-do="save"], [data-do="save-unverified"]')) {
      // Not disabled: a disabled button would drop the focus that stands on it.
      button.setAttribute('aria-disabled', running !== null);
    }
  }

  complete(names) {
    const missing = names.filter(name => this.fields[name].value.trim() === '');
    missing.forEach(name => this.fault(name, this.fields[name].dataset.missing));
    // A day of which only a part was typed has no value: it would be lost without a word.
    const partial = this.names.filter(name => this.fields[name].validity.badInput);
    partial.forEach(name => this.fault(name, 'Enter a whole day, or leave it empty.'));
    const faulty = [...missing, ...partial];
    this.fields[faulty[0]]?.focus();
    return faulty.length === 0;
  }

  async send(address, consent) {
    if (this.running) {
      return;
    }
    this.say();
    this.names.forEach(name => this.fault(name, ''));
    if (!this.complete(address === this.saveAddress ? this.required : ['key'])) {
      return;
    }
    const running = new AbortController();
    this.busy(running, consent.unverified ? 'Saving…' : 'Testing the key with ReSci…');
    let answer;
    try {
      answer = await this.post(address, consent, running.signal);
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
  async post(address, consent, signal) {
    if (this.stale) {
      await this.renew(signal);
    }
    this.fields.operation.value ||= crypto.randomUUID();
    const body = new URLSearchParams(new FormData(this.form));
    Object.entries(consent).forEach(([name, value]) => body.set(name, value));

    const response = await fetch(address, { method: 'POST', body, signal, redirect: 'error', headers: { Accept: 'application/json' } });
    // The antiforgery token belongs to the session: after a new sign-in another one is due.
    this.stale = response.status === 401 || response.status === 400;
    this.sessionEnded ||= response.status === 401;
    const json = response.headers.get('Content-Type')?.includes('json') ? await response.json() : null;
    return json?.outcome && response.ok ? json : this.nameOf(response.status);
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
    const title = answer.title ?? titles[answer.outcome];
    switch (answer.outcome) {
      case 'accepted':
        return this.say('success', title, answer.advice);
      case 'refused':
        this.fault('key', [title, answer.advice].filter(Boolean).join(' '));
        return this.fields.key.focus();
      case 'invalid':
        Object.entries(answer.errors ?? {}).forEach(([name, text]) => this.fault(name, text));
        this.part('[aria-invalid]')?.focus();
        return;
      case 'same':
        return this.offer({ same: true }, title, answer.advice);
      case 'anotherWaits':
        return this.offer({ instead: answer.instead }, title, answer.advice);
      case 'cannotTell':
        return this.say('warning', title, answer.advice, 'cannotTell');
      case 'busy':
        return this.say('warning', title, answer.advice);
      default:
        return this.done(answer);
    }
  }

  // Says why it was not saved yet; pressing Save once more is the consent.
  offer(consent, title, advice) {
    this.agree({ ...this.consent, ...consent });
    this.say('warning', title, advice);
    this.save.focus();
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
