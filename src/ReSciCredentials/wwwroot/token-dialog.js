// The dialogs that make an access token, which comes with snippets that hold it.

import { MadeDialog } from './made-dialog.js';

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

customElements.define('new-access-token', NewAccessToken);
customElements.define('rotate-access-token', RotateAccessToken);
