/** Being told while the page is closed: this browser's subscription to its push service. */
import { signal } from "@preact/signals";
import { ApiError, me, put, remove } from "../api";
import { settings } from "../city";
import { language } from "../i18n";
import { forget, remember, remembered } from "../lib/remember";
import { addressOf, toBase64url } from "../lib/subscription";
import { go, path } from "../router";
import { livePhase } from "../ui/shell";

export type Pushing = "off" | "asking" | "on" | "denied" | "none" | "failed";
export const pushing = signal<Pushing>("off");

const KEY = "push"; // of whom this browser was asked for pushes

const canPush = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** The browser's own, made for this key; one of another key is of no use any more. */
async function subscription(registration: ServiceWorkerRegistration, key: string): Promise<PushSubscription> {
  const there = await registration.pushManager.getSubscription();
  if (there && toBase64url(there.options.applicationServerKey) === key) return there;
  await there?.unsubscribe();
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

async function subscribe(key: string): Promise<Pushing> {
  const registration = await navigator.serviceWorker.getRegistration();
  if (!registration) return "none";
  const s = await subscription(registration, key);
  await put("/field/push", { ...addressOf(s), language: language.value });
  return "on";
}

async function turnOn(key: string): Promise<void> {
  pushing.value = "asking";
  try {
    if ((await Notification.requestPermission()) !== "granted") pushing.value = "denied";
    else pushing.value = await subscribe(key);
  } catch (e) {
    if (!(e instanceof ApiError) && (e as DOMException).name === "NotAllowedError") pushing.value = "denied";
    else pushing.value = "failed"; // the push service, or the gateway, cannot be reached now
  }
}

export function startPushing(): void {
  const key = settings.value.push_key;
  if (!key || !me.value) return;
  remember(KEY, me.value.login);
  if (canPush()) void turnOn(key);
  else pushing.value = "none";
}

export function stopPushing(): void {
  forget(KEY);
  pushing.value = "off";
  remove("/field/push").catch(() => undefined); // it ends with the session at the latest
  if (canPush()) {
    void navigator.serviceWorker.getRegistration().then((r) => r?.pushManager.getSubscription())
      .then((s) => s?.unsubscribe()).catch(() => undefined);
  }
}

/** As this user wanted it the last time, in the language of now: each session has a subscription of its own. */
export function resumePushing(): void {
  if (remembered(KEY) !== me.value?.login) pushing.value = "off";
  else if (canPush() && Notification.permission === "granted") startPushing();
  else pushing.value = canPush() ? "denied" : "none";
}

/** What the service worker asks before it notifies, and where a notification leads. */
export function answerServiceWorker(): void {
  navigator.serviceWorker.addEventListener("message", (e: MessageEvent) => {
    if (e.data === "field") go("/field");
    else e.ports[0]?.postMessage(document.visibilityState === "visible" && path.value === "/field" && livePhase.value === "live");
  });
}
