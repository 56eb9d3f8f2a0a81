import { createApp } from 'vue'
import App from './app/App.vue'
import { makeRouter } from './app/router'
import { words } from './words'
import { begin, takeAnswer } from './data/session'
import { takeLink } from './data/signin/link'
import './style.css'

takeLink()
await takeAnswer()
const i18n = await words()
createApp(App).use(i18n).use(makeRouter()).mount('#app')
void begin()
