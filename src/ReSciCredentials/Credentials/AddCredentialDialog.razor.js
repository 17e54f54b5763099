// The Add New Credential overlay.

import { KeyDialog } from '../key-dialog.js';

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

customElements.define('add-credential', AddCredential);
