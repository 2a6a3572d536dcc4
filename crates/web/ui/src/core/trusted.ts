interface Policy {
  createScriptURL(url: string): unknown
}
interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy
}

let policy: Policy | undefined

function own(url: string): string {
  if (new URL(url, location.href).origin !== location.origin) throw new TypeError('not a script of this page')
  return url
}

/** An address of this page's own scripts, as the page's policy (Trusted Types) wants it for workers. */
export function script(address: string): string {
  const policies = (window as { trustedTypes?: Policies }).trustedTypes
  policy ??= policies?.createPolicy('waxwing', { createScriptURL: own })
  return (policy?.createScriptURL(address) ?? own(address)) as string
}
