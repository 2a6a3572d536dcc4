// As `en.ts`.
import chats from '../../messages/ar/chats.json'
import common from '../../messages/ar/common.json'
import conversation from '../../messages/ar/conversation.json'
import habits from '../../messages/ar/habits.json'
import settings from '../../messages/ar/settings.json'
import start from '../../messages/ar/start.json'

export default { ...common, ...start, ...chats, ...conversation, ...settings, ...habits }
