// What the pages need beside Blazor, and before it is up: dialogs, copying, times, focus, and the state of the connection.

const one = selector => document.querySelector(selector);
// What lies behind an open dialog is read to nobody.
const announce = text => { (one('dialog[open] [data-announcer]') ?? one('#announcer')).textContent = text; };

// Dialogs: for browsers without invoker commands, a delegated click does the same.

if (!('commandForElement' in HTMLButtonElement.prototype)) {
  document.addEventListener('click', event => {
    const button = event.target.closest('[commandfor]');
    const dialog = button && document.getElementById(button.getAttribute('commandfor'));
    if (dialog && button.getAttribute('command') === 'show-modal' && !dialog.open) {
      dialog.showModal();
    }
  });
}

// Menus: a details element that closes like one.

document.addEventListener('click', event => {
  document.querySelectorAll('details[data-closes][open]').forEach(menu => menu.open = menu.contains(event.target) && !event.target.closest('a'));
});
document.addEventListener('keydown', event => {
  const menu = event.key === 'Escape' && event.target.closest?.('details[data-closes][open]');
  if (menu) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});

// Copying

document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (!button) {
    return;
  }
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    announce('Copied');
    button.setAttribute('data-copied', '');
    setTimeout(() => button.removeAttribute('data-copied'), 2000);
  } catch {
    announce('The browser did not allow copying. Select the text and copy it by hand.');
  }
});

// Printing

document.addEventListener('click', event => event.target.closest('[data-print]') && print());

// A choice becomes part of the address, so that a reload, and the way back, find it again.

document.addEventListener('change', event => {
  const name = event.target.closest?.('form[data-keep-choice]')?.dataset.keepChoice;
  if (name && event.target.name === name) {
    const address = new URL(location.href);
    address.searchParams.set(name, event.target.value);
    history.replaceState(history.state, '', address);
  }
});

// What a list shows becomes part of the address too, as the list tells it.

const keepAddress = () => {
  const address = one('[data-address]')?.dataset.address;
  // A link that was followed meanwhile has the last word.
  if (address && one('[data-address]').dataset.path === location.pathname && address !== location.pathname + location.search) {
    history.replaceState(history.state, '', address);
  }
};
new MutationObserver(keepAddress).observe(document.body, { subtree: true, attributeFilter: ['data-address'] });

// Keys: "/" to the search, Escape out of a drawer.

document.addEventListener('keydown', event => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || one('dialog[open]')) {
    return;
  }
  const typing = event.target.matches?.('input, textarea, select');
  if (event.key === '/' && !typing) {
    const search = one('[data-search]');
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === 'Escape' && !typing) {
    event.target.closest?.('[data-drawer]')?.querySelector('[data-close]')?.click();
  }
});

// Keys in the wrong field: a page sends what is typed into a search or a name at once, and there a key must never go. Text that looks like one is
// held back before Blazor hears of it, by the rule of KeyLikeText in the server: random letters and digits take turns more often than written ones.

const likeKey = { window: 20, digits: 2, turns: 7 };
const kindOf = character => /[a-z]/.test(character) ? 'small' : /[A-Z]/.test(character) ? 'capital' : /[0-9]/.test(character) ? 'digit' : '';
const isTurn = (last, kind) => last && kind && kind !== last && !(last === 'capital' && kind === 'small');
const looksLikeKey = word => {
  if (word.includes('://') || word.includes('@')) {
    return false;
  }
  for (let start = 0; start + likeKey.window <= word.length; start++) {
    let [digits, turns, last] = [0, 0, ''];
    for (const kind of [...word.slice(start, start + likeKey.window)].map(kindOf)) {
      digits += kind === 'digit';
      turns += Boolean(isTurn(last, kind));
      last = kind || last;
    }
    if (digits >= likeKey.digits && turns >= likeKey.turns) {
      return true;
    }
  }
  return false;
};

const holdBack = event => {
  const field = event.target;
  if (!field.matches?.('.page :is(input, textarea)')) {
    return;
  }
  const held = field.value.split(/\s+/).some(looksLikeKey);
  if (held) {
    event.stopImmediatePropagation();
  }
  if (held !== field.hasAttribute('data-held')) {
    field.toggleAttribute('data-held', held);
    const advice = field.type === 'search' ? 'Search by its last four characters or its fingerprint, as in key:1c77.' : 'If it is none, put a space into it.';
    const text = held ? `This looks like an API key, so it was not sent. ${advice}` : '';
    field.setCustomValidity(text);
    if (held) {
      announce(text);
      field.reportValidity();
    }
  }
};
// In the window, because Blazor listens in the document; and not only to what changes a field: with every event of it that a page follows goes its value.
['input', 'change', 'focus', 'blur'].forEach(type => addEventListener(type, holdBack, true));

// Times: the server's words, kept fresh, with the exact time in the browser's zone.

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

const words = time => {
  const seconds = (Date.now() - time) / 1000;
  const count = (number, unit) => `${Math.trunc(number)} ${unit}${Math.trunc(number) === 1 ? '' : 's'}`;
  const ago = (number, unit) => `${count(number, unit)} ago`;
  const ahead = (number, unit) => `in ${count(number, unit)}`;
  return seconds <= -2592000 ? day.format(time)
    : seconds <= -86400 ? ahead(-seconds / 86400, 'day')
    : seconds <= -3600 ? ahead(-seconds / 3600, 'hour')
    : seconds <= -60 ? ahead(-seconds / 60, 'minute')
    : seconds < 60 ? 'just now'
    : seconds < 3600 ? ago(seconds / 60, 'minute')
    : seconds < 86400 ? ago(seconds / 3600, 'hour')
    : seconds < 2592000 ? ago(seconds / 86400, 'day')
    : day.format(time);
};

const refreshTimes = () => {
  for (const element of document.querySelectorAll('time[data-relative]')) {
    const time = new Date(element.dateTime);
    const text = words(time);
    const title = exact.format(time);
    // Only what differs is written, or the observer would never rest; the node itself stays, since Blazor holds on to it.
    if (element.firstChild && element.firstChild.nodeValue !== text) {
      element.firstChild.nodeValue = text;
    }
    if (element.title !== title) {
      element.title = title;
    }
  }
};

let due = false;
const refreshSoon = () => {
  if (!due) {
    due = true;
    requestAnimationFrame(() => { due = false; refreshTimes(); });
  }
};

refreshTimes();
setInterval(refreshTimes, 30_000);
new MutationObserver(refreshSoon).observe(document.body, { subtree: true, childList: true, attributeFilter: ['datetime'] });

// Focus: an element that is yet to come, or that the circuit replaces by its like. Ends when the person does something.

let awaited;
const focusWhenThere = selector => {
  awaited?.end();
  let focused;
  const look = () => {
    const element = one(selector);
    if (element && element !== focused && (!focused || document.activeElement === document.body)) {
      focused = element;
      element.focus();
    }
  };
  const observer = new MutationObserver(look);
  // A page that loads itself anew meanwhile, because its session had ended, takes it along.
  const keep = () => sessionStorage.setItem('focus', selector);
  const end = () => {
    observer.disconnect();
    clearTimeout(timer);
    removeEventListener('pagehide', keep);
    removeEventListener('keydown', end, true);
    removeEventListener('pointerdown', end, true);
  };
  const timer = setTimeout(end, 10_000);
  addEventListener('pagehide', keep);
  addEventListener('keydown', end, true);
  addEventListener('pointerdown', end, true);
  observer.observe(document.body, { subtree: true, childList: true });
  awaited = { end };
  look();
};

document.addEventListener('focus-when-there', event => focusWhenThere(event.detail));

const promised = sessionStorage.getItem('focus');
if (promised) {
  sessionStorage.removeItem('focus');
  focusWhenThere(promised);
}

// A link may say where the focus goes when what it leads to is there: into a drawer, and back to the row it was opened from.
let next;
document.addEventListener('click', event => { next = event.target.closest?.('a[data-focus-next]')?.dataset.focusNext; });

// A step that changed is a new page to a screen reader: its heading is read.
let path = location.pathname;
window.Blazor?.addEventListener('enhancedload', () => {
  if (location.pathname !== path || next) {
    path = location.pathname;
    focusWhenThere(next ?? 'h1');
    next = undefined;
  }
});

// The connection

const dialogHoldsText = () => one('[data-typed]') !== null;

// Blazor shows #blazor-error-ui when the circuit did not come up and when it broke; only the first has to do with the network.
// Some proxies swallow the attempt without an answer: then nobody tells, so we look.
const patience = 10_000;
const connectionChanged = () => {
  const failure = one('#blazor-error-ui');
  const blocked = one('[data-prerendered]') !== null;
  if (failure?.hasAttribute('data-blocked') && !blocked) {
    failure.style.display = 'none';
  }
  failure?.toggleAttribute('data-blocked', blocked);
};
const lookForCircuit = () => setTimeout(() => {
  if (one('[data-prerendered]') && one('#blazor-error-ui')) {
    one('#blazor-error-ui').style.display = 'block';
  }
}, patience);

new MutationObserver(connectionChanged).observe(document.body, { subtree: true, childList: true, attributeFilter: ['style', 'data-prerendered'] });
window.Blazor?.addEventListener('enhancedload', lookForCircuit);
lookForCircuit();

document.addEventListener('click', event => {
  if (event.target.closest('#blazor-error-ui .reload')) {
    event.preventDefault();
    location.reload();
  }
});

class ReconnectNotice extends HTMLElement {
  connectedCallback() {
    this.addEventListener('components-reconnect-state-changed', event => this.become(event.detail.state));
    this.addEventListener('click', event => this.act(event.target.closest('[data-do]')?.dataset.do));
    // Whatever kept the page from reloading is gone when the dialog closes.
    document.addEventListener('close', () => this.dataset.state === 'stale' && this.reload(), true);
  }

  async become(state) {
    if (state === 'failed' || state === 'rejected' || state === 'resume-failed') {
      const signedIn = await this.signedIn();
      if (signedIn === false) {
        state = 'ended';
      } else if (state !== 'failed') {
        return this.reload();
      }
    }
    // Blazor tells every second; a screen reader is told once.
    if (this.dataset.state !== state) {
      this.dataset.state = state;
    }
  }

  // true, false, or undefined when nobody answers.
  async signedIn() {
    try {
      const { status } = await fetch('/session', { cache: 'no-store', redirect: 'error' });
      return status === 204 ? true : status === 401 ? false : undefined;
    } catch {
      return undefined;
    }
  }

  async act(what) {
    if (what === 'reload') {
      location.reload();
    } else if (what === 'retry' || what === 'resume') {
      this.dataset.state = 'retrying';
      try {
        const back = (what === 'retry' && await Blazor.reconnect()) || await Blazor.resumeCircuit();
        back ? this.dataset.state = 'hide' : await this.become('rejected');
      } catch {
        await this.become('failed');
      }
    }
  }

  reload() {
    if (dialogHoldsText()) {
      this.dataset.state = 'stale';
    } else {
      location.reload();
    }
  }
}

customElements.define('reconnect-notice', ReconnectNotice);
