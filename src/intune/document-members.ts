/** How a group names its members, in a body and in a document. */
export const MEMBERS = 'members@odata.bind';
