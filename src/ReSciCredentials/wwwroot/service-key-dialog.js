// The dialogs that make a service key.

import { MadeDialog } from './made-dialog.js';

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

customElements.define('new-service-key', NewServiceKey);
customElements.define('rotate-service-key', RotateServiceKey);
