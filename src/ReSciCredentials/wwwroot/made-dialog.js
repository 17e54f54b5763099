// The dialogs that make a token or a key of ours. It comes in the answer to their form and is shown here, once: no circuit, page or cookie
// ever holds it.

import { FormDialog } from './form-dialog.js';

class MadeDialog extends FormDialog {
  // What is made, in a sentence, and how the ids of the rows begin that the page shows of them.
  what = '';
  rows = '';

  connectedCallback() {
    if (this.dialog) {
      return;
    }
    super.connectedCallback();
    this.question = this.wordsOfQuestion;
    // By a button, which shell.js marks, or by hand: then nothing is lost any more when the dialog closes.
    const made = this.part('[data-made]');
    const copied = () => {
      this.copied = true;
      this.markTyped();
    };
    made.addEventListener('copy', copied);
    new MutationObserver(() => made.querySelector('[data-copied]') && copied()).observe(made, { subtree: true, attributeFilter: ['data-copied'] });
  }

  get made() {
    return !this.part('[data-made]').hidden;
  }

  get typed() {
    return this.made ? this.dialog.open && !this.copied : super.typed;
  }

  act(what) {
    return what === 'done' ? this.leave() : super.act(what);
  }

  submit() {
    return this.made ? undefined : this.send(this.saveAddress, { progress: `Making the ${this.what}…` });
  }

  tell(answer) {
    switch (answer.outcome) {
      case 'madeBefore':
        return this.say('warning', `The ${this.what} is made already`, `“${answer.name}” was made by an earlier try whose answer was lost. It cannot be shown again: close this and rotate it, or revoke it.`);
      case 'gone':
        return this.sayInstead('gone');
      case 'invalid':
        super.tell(answer);
        // What concerns no single field.
        return answer.errors[''] && this.say('warning', `No ${this.what} was made`, answer.errors['']);
      default:
        return super.tell(answer);
    }
  }

  done(answer) {
    this.madeId = answer.id;
    this.copied = false;
    this.showMade(answer);
    this.wordsOfQuestion = [`Close without copying? The ${this.what} is not shown again.`, 'Keep it open', 'Close'];
    this.markTyped();
    this.part('[data-copy-token]').focus();
  }

  // An answer without one empties it again.
  showMade({ token = '' }) {
    for (const [selector, hidden] of [['[data-ask]', token], ['[data-made], [data-made-button]', !token]]) {
      this.querySelectorAll(selector).forEach(element => element.hidden = Boolean(hidden));
    }
    this.part('[data-token]').textContent = token;
    this.part('[data-copy-token]').dataset.copy = token;
    this.part('[data-announcer]').textContent = '';
  }

  get wordsOfQuestion() {
    return this.placesOfQuestion.map(place => place.textContent);
  }

  set wordsOfQuestion(words) {
    this.placesOfQuestion.forEach((place, index) => place.textContent = words[index]);
  }

  get placesOfQuestion() {
    return [this.part('[data-discard] p'), this.part('[data-do="keep"]'), this.part('[data-do="discard"]')];
  }

  clear() {
    super.clear();
    this.showMade({});
    this.wordsOfQuestion = this.question;
  }

  // The page learned of it from the server; the focus goes to its row.
  close() {
    const row = this.made ? `#${this.rows}-${this.madeId}` : null;
    if (row && !this.pageIsLive) {
      return this.goTo(location.href, row);
    }
    super.close();
    if (row) {
      document.dispatchEvent(new CustomEvent('focus-when-there', { detail: row }));
    }
  }
}

// The dialogs that make an access token, which comes with snippets that hold it.
class TokenDialog extends MadeDialog {
  what = 'token';
  rows = 'token';
  gone = ['This does not exist any more', 'The source or destination was removed, or is no longer shared with you. No token was made.'];
  tooLarge = ['That is too much to send', 'No token was made. Shorten the lists of limits.'];

  prepare(opener) {
    this.part('[data-of]').textContent = opener.of;
  }

  showMade({ token = '', snippets = [] }) {
    super.showMade({ token });
    const languages = this.querySelectorAll('[data-language]');
    this.querySelectorAll('[data-snippet]').forEach((place, index) => {
      const { language = '', text = '' } = snippets[index] ?? {};
      languages[index].hidden = language === '';
      languages[index].querySelector('span').textContent = language;
      place.querySelector('pre').setAttribute('aria-label', language);
      place.querySelector('code').textContent = text;
      place.querySelector('[data-copy]').dataset.copy = text;
    });
  }
}

class NewAccessToken extends TokenDialog {
  names = ['name', 'expires', 'importTypes', 'streams', 'addresses', 'rate'];
  required = ['name'];

  prepare({ flow, kind, of }) {
    super.prepare({ of });
    this.fields.flow.value = flow;
    this.fields.kind.value = kind;
    // What limits writing says nothing about reading.
    this.part('[data-writes]').hidden = kind !== 'destination';
  }
}

class RotateAccessToken extends TokenDialog {
  prepare({ token, of }) {
    super.prepare({ of });
    this.fields.token.value = token;
  }
}

// The dialogs that make a service key.
class ServiceKeyDialog extends MadeDialog {
  what = 'service key';
  rows = 'service-key';
  gone = ['This service key does not exist any more', 'Nothing was made. Close this and make a new one.'];
}

class NewServiceKey extends ServiceKeyDialog {
  names = ['name', 'expires'];
  required = ['name'];
}

class RotateServiceKey extends ServiceKeyDialog {
  prepare({ key, of }) {
    this.fields.key.value = key;
    this.part('[data-of]').textContent = of;
  }
}

customElements.define('new-access-token', NewAccessToken);
customElements.define('rotate-access-token', RotateAccessToken);
customElements.define('new-service-key', NewServiceKey);
customElements.define('rotate-service-key', RotateServiceKey);
