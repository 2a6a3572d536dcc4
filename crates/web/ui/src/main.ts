import './styles/tokens.css'
import './styles/base.css'

import { mount } from 'svelte'

import App from './App.svelte'
import { keepApp, takeNewest } from './core/offline'
import { here } from './state/place.svelte'
import { settings } from './state/settings.svelte'

here.begin()
const target = document.getElementById('app')
if (target && !(await takeNewest())) {
  await settings.prepare()
  mount(App, { target })
  // Not before what is needed now has come.
  setTimeout(keepApp, 2000)
}
