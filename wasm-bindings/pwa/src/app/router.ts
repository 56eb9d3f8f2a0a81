import { createRouter, createWebHistory } from 'vue-router'

/** The screens by their addresses. Made once the address says where the user goes. */
export const makeRouter = () => createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', name: 'today', component: () => import('../screens/today/TodayScreen.vue') },
    { path: '/accounts', name: 'accounts', component: () => import('../screens/accounts/AccountsScreen.vue') },
    { path: '/accounts/new', name: 'new-account', component: () => import('../screens/accounts/NewAccountScreen.vue') },
    { path: '/accounts/:id', name: 'account', component: () => import('../screens/accounts/AccountScreen.vue') },
    { path: '/check-in', name: 'check-in', component: () => import('../screens/visit/CheckInScreen.vue') },
    { path: '/visits/:id', name: 'visit', component: () => import('../screens/visit/VisitScreen.vue') },
    { path: '/tasks', name: 'tasks', component: () => import('../screens/tasks/TasksScreen.vue') },
    { path: '/tasks/new', name: 'new-task', component: () => import('../screens/tasks/TaskFormScreen.vue') },
    { path: '/tasks/:id', name: 'task', component: () => import('../screens/tasks/TaskScreen.vue') },
    { path: '/tasks/:id/edit', name: 'edit-task', component: () => import('../screens/tasks/TaskFormScreen.vue') },
    { path: '/sync', name: 'sync', component: () => import('../screens/sync/SyncScreen.vue') },
    { path: '/sync/conflicts/:id', name: 'contested', component: () => import('../screens/sync/ConflictScreen.vue') },
    { path: '/history/:id', name: 'history', component: () => import('../screens/history/HistoryScreen.vue') },
    { path: '/dashboard', name: 'dashboard', component: () => import('../screens/dashboard/DashboardScreen.vue') },
    { path: '/organizations', redirect: '/accounts' },
    { path: '/sign-in', name: 'sign-in', component: () => import('../screens/more/SignInScreen.vue') },
    { path: '/more', name: 'more', component: () => import('../screens/more/MoreScreen.vue') },
    { path: '/:anything(.*)*', name: 'nowhere', component: () => import('../screens/more/NowhereScreen.vue') },
  ],
})
