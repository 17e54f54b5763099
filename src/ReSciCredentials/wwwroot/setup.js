// Takes the set-up token out of the link's fragment into the form, so that it stays neither in the address bar nor in the history.
const key = 'setup-token';
const field = document.querySelector('[data-setup-token]');
const token = new URLSearchParams(location.hash.slice(1)).get('token');

if (token) {
  // Kept over an answer that asks for another password: the server never sends the token back.
  sessionStorage.setItem(key, token);
  history.replaceState(null, '', location.pathname);
}

if (field) {
  field.value = sessionStorage.getItem(key) ?? '';
  field.form.addEventListener('submit', () => sessionStorage.setItem(key, field.value));
}
