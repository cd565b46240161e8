/**
 * The header that the outbound client adds to a guest's call when it goes to this machine itself, and that an admin interface
 * without a token refuses: on loopback nothing else tells a guest from its operator.
 */
export const guestMark = "capsule-guest";
