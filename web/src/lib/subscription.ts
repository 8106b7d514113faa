/** A browser's push subscription as PUT field/push takes it; for pages and for the service worker. */
export function toBase64url(bytes: ArrayBuffer | null): string {
  const text = String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)));
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export const addressOf = (s: PushSubscription) => ({
  endpoint: s.endpoint, p256dh: toBase64url(s.getKey("p256dh")), auth: toBase64url(s.getKey("auth")),
});
