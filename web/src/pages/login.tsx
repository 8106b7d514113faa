import { useState } from "preact/hooks";
import { ApiError, login } from "../api";
import { errorText, t } from "../i18n";
import { LanguageAndTheme } from "../ui/shell";

export function Login() {
  const words = t();
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.target as HTMLFormElement);
    setBusy(true);
    setError(null);
    try {
      await login(String(form.get("login")), String(form.get("password")));
    } catch (failure) {
      setError(failure);
      setBusy(false);
      document.getElementById("password")?.focus();
    }
  };

  const isWrong = error instanceof ApiError && error.status === 401;
  return (
    <main class="login" id="main">
      <form onSubmit={submit} class="login-box">
        <h1><span class="brand-dot" aria-hidden="true" />{words.brand}</h1>
        <label for="login">{words.login.name}</label>
        <input id="login" name="login" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} required autofocus />
        <label for="password">{words.login.password}</label>
        <input id="password" name="password" type="password" autocomplete="current-password" maxLength={256} required
               aria-describedby={error ? "login-error" : undefined} />
        {error !== null && <p class="form-error" role="alert" id="login-error">{isWrong ? words.login.wrong : errorText(error)}</p>}
        <button type="submit" class="button primary" disabled={isBusy}>{isBusy ? words.login.busy : words.login.submit}</button>
        <p class="hint">{words.login.hint}</p>
        <div class="login-tools"><LanguageAndTheme /></div>
      </form>
    </main>
  );
}
