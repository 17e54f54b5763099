// The Replace key dialog. One for all credentials: the button that opens it says for which.

import { KeyDialog } from '../key-dialog.js';

class ReplaceKey extends KeyDialog {
  connectedCallback() {
    if (this.facts) {
      return;
    }
    super.connectedCallback();
    this.facts = this.part('[data-facts]');
    this.looking = this.facts.innerHTML;
    // Before the dialog opens, whichever way it does.
    document.addEventListener('click', event => {
      const opener = event.target.closest('[commandfor="replace-key"]');
      if (opener) {
        this.prepare(opener.dataset);
      }
    }, true);
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

customElements.define('replace-key', ReplaceKey);
