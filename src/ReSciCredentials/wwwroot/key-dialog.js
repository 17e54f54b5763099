// The dialogs that a key is typed into. The key must not pass through the circuit.

import { FormDialog } from './form-dialog.js';

// What they say when the endpoint gives an outcome without a title.
const titles = {
  accepted: 'ReSci accepted this key',
  refused: 'ReSci refused this key',
  cannotTell: 'The key could not be tested',
  same: 'There is one like it already',
  busy: 'Too many tests at once',
};

class KeyDialog extends FormDialog {
  names = ['key'];

  // A key can be tested alone.
  required = ['key'];

  gone = ['This credential does not exist any more', 'It was deleted, or is no longer shared with you. Nothing was saved.'];
  tooLarge = ['That is too much to send', 'Nothing was saved. Shorten the description, or paste the API key alone, then press Save again.'];
  consent = {};

  act(what) {
    switch (what) {
      case 'test': return this.send('/credentials/test', { required: ['key'], progress: 'Testing the key with ReSci…' });
      case 'save-unverified':
        this.consent = { ...this.consent, unverified: true };
        return this.submit();
      case 'show': return this.show(this.fields.key.type === 'password');
      default: return super.act(what);
    }
  }

  submit() {
    return this.send(this.saveAddress, { extra: this.consent, progress: this.consent.unverified ? 'Saving…' : 'Testing the key with ReSci…' });
  }

  // Consent is for the very values it was asked about.
  edited(field) {
    if (this.required.includes(field.name)) {
      this.agree({});
    }
    super.edited(field);
  }

  agree(consent) {
    this.consent = consent;
    this.save.textContent = consent.same || consent.instead ? 'Save anyway' : 'Save';
  }

  clear() {
    super.clear();
    this.show(false);
    this.agree({});
  }

  show(shown) {
    const button = this.part('[data-do="show"]');
    this.fields.key.type = shown ? 'text' : 'password';
    button.setAttribute('aria-pressed', shown);
  }

  tell(answer) {
    const title = answer.title ?? titles[answer.outcome];
    switch (answer.outcome) {
      case 'accepted':
        return this.say('success', title, answer.advice);
      case 'refused':
        this.fault('key', [title, answer.advice].filter(Boolean).join(' '));
        return this.fields.key.focus();
      case 'same':
        return this.offer({ same: true }, title, answer.advice);
      case 'anotherWaits':
        return this.offer({ instead: answer.instead }, title, answer.advice);
      case 'cannotTell':
        return this.say('warning', title, answer.advice, 'cannotTell');
      case 'busy':
        return this.say('warning', title, answer.advice);
      default:
        return super.tell(answer);
    }
  }

  // Says why it was not saved yet; pressing Save once more is the consent.
  offer(consent, title, advice) {
    this.agree({ ...this.consent, ...consent });
    this.say('warning', title, advice);
    this.save.focus();
  }
}

// The Add New Credential overlay.
class AddCredential extends KeyDialog {
  names = ['name', 'description', 'key', 'expiresOn', 'reviewOn'];
  required = ['name', 'key'];

  // The page learns of the new credential by its URL; the tile is focused when it is there.
  done({ id }) {
    const address = new URL(location.href);
    address.searchParams.set('credential', id);
    if (this.pageIsLive) {
      this.close();
      document.dispatchEvent(new CustomEvent('focus-when-there', { detail: `#credential-${id}` }));
      Blazor.navigateTo(address.href, { replaceHistoryEntry: true });
    } else {
      this.goTo(address, `#credential-${id}`);
    }
  }
}

// The Replace key dialog. One for all credentials: the button that opens it says for which.
class ReplaceKey extends KeyDialog {
  connectedCallback() {
    if (this.facts) {
      return;
    }
    super.connectedCallback();
    this.facts = this.part('[data-facts]');
    this.looking = this.facts.innerHTML;
  }

  get saveAddress() {
    return `/credentials/${this.credential}/replace`;
  }

  prepare({ credential, then }) {
    this.credential = credential;
    this.leaked = then === 'wipe';
    this.set();
    this.lookUp();
  }

  // What becomes of the old key is a question only when nobody has answered it.
  set() {
    this.fields.then.value = this.leaked ? 'wipe' : 'wait';
    this.part('[data-then]').hidden = this.leaked;
    this.part('[data-leaked]').hidden = !this.leaked;
  }

  clear() {
    super.clear();
    this.set();
  }

  async lookUp() {
    const address = this.saveAddress;
    this.facts.innerHTML = this.looking;
    let status;
    try {
      const response = await fetch(address, { cache: 'no-store', redirect: 'error', headers: { Accept: 'text/html' } });
      status = response.status;
      if (response.ok && address === this.saveAddress) {
        this.facts.innerHTML = await response.text();
        return;
      }
    } catch {
      status = 0;
    }
    if (address === this.saveAddress) {
      this.facts.textContent = 'Who uses this credential could not be looked up. Close the dialog and open it again.';
      this.sayInstead(status === 0 ? 'lost' : this.nameOf(status));
    }
  }

  // The page learns of it from the server; the focus goes to what there is to see.
  done({ outcome, title }) {
    const place = outcome === 'promoted' ? '#current-key' : '#pending-key';
    if (this.pageIsLive) {
      this.close();
      document.querySelector('#announcer').textContent = title;
      document.dispatchEvent(new CustomEvent('focus-when-there', { detail: place }));
      // Another part of the drawer may be open.
      const address = new URL(location.href);
      if (address.searchParams.has('tab')) {
        address.searchParams.delete('tab');
        Blazor.navigateTo(address.href);
      }
    } else {
      this.goTo(location.href, place);
    }
  }
}

customElements.define('add-credential', AddCredential);
customElements.define('replace-key', ReplaceKey);
