// What every dialog that a key is typed into does. The key must not pass through the circuit.

import { FormDialog } from './form-dialog.js';

// What it says when the endpoint gives an outcome without a title.
const titles = {
  accepted: 'ReSci accepted this key',
  refused: 'ReSci refused this key',
  cannotTell: 'The key could not be tested',
  same: 'There is one like it already',
  busy: 'Too many tests at once',
};

export class KeyDialog extends FormDialog {
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
