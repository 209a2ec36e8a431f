/** Key of a group's members, in a request body and in a document. */
export const MEMBERS = 'members@odata.bind';
