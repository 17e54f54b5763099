// What is typed into [data-draft="key"] is kept in this tab over a reload, the back button and a circuit that replaces the page's inputs,
// until the page renders [data-draft-clear="key"]. Passwords and files are never kept, nor anything outside such an element.

const stored = key => `draft:${key}`;
const kept = field => field.name && !['password', 'file', 'hidden'].includes(field.type);
const fieldsOf = draft => [...draft.querySelectorAll('input, select, textarea')].filter(kept);
const chosen = field => field.type === 'radio' || field.type === 'checkbox';

// A draft is shown at once in what the server prerendered, and given to the page when it is interactive.
const shown = new WeakSet();
const given = new WeakSet();
let typing;

const keep = event => {
  const draft = event.target.closest?.('[data-draft]');
  if (!draft || !kept(event.target)) {
    return;
  }
  const values = {};
  for (const field of fieldsOf(draft)) {
    if (!chosen(field)) {
      values[field.name] = field.value;
    } else if (field.checked) {
      values[field.name] = [...(values[field.name] ?? []), field.value];
    }
  }
  sessionStorage.setItem(stored(draft.dataset.draft), JSON.stringify(values));
};

const restore = draft => {
  const interactive = draft.closest('[data-interactive]') !== null;
  if (given.has(draft) || (!interactive && shown.has(draft))) {
    return;
  }
  (interactive ? given : shown).add(draft);

  const values = JSON.parse(sessionStorage.getItem(stored(draft.dataset.draft)) ?? 'null');
  for (const field of values ? fieldsOf(draft) : []) {
    if (chosen(field)) {
      const checked = (values[field.name] ?? []).includes(field.value);
      if (field.checked === checked) {
        continue;
      }
      field.checked = checked;
    } else if (field.name in values && (field.value !== values[field.name] || shown.has(draft))) {
      field.value = values[field.name];
    } else {
      continue;
    }
    if (interactive) {
      field.dispatchEvent(new Event('input', { bubbles: true }));
      field.dispatchEvent(new Event('change', { bubbles: true }));
    }
  }

  // Whoever was typing when the circuit took the page over goes on typing.
  if (typing?.draft === draft.dataset.draft && document.activeElement === document.body) {
    const field = fieldsOf(draft).find(candidate => candidate.name === typing.name);
    field?.focus();
    field?.setSelectionRange?.(typing.at, typing.at);
  }
};

const look = () => {
  document.querySelectorAll('[data-draft-clear]').forEach(element => sessionStorage.removeItem(stored(element.dataset.draftClear)));
  document.querySelectorAll('[data-draft]').forEach(restore);
};

const follow = event => {
  const draft = event.target.closest?.('[data-draft]');
  typing = draft && kept(event.target) ? { draft: draft.dataset.draft, name: event.target.name, at: event.target.selectionEnd } : undefined;
};

document.addEventListener('input', keep);
document.addEventListener('change', keep);
document.addEventListener('focusin', follow);
document.addEventListener('input', follow);
new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ['data-interactive', 'data-draft', 'data-draft-clear'] });
look();
