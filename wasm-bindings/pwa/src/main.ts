import { createApp } from 'vue'
import App from './app/App.vue'
import { makeRouter } from './app/router'
import { shown } from './format/shown'
import { words } from './words'
import { begin, takeAnswer } from './data/session'
import { takeLink } from './data/signin/link'
import './style.css'

takeLink()
await takeAnswer()
const i18n = await words()
const app = createApp(App)
// Templates say every text by this; see compile/shown.ts.
app.config.globalProperties.$shown = shown
app.use(i18n).use(makeRouter()).mount('#app')
void begin()
