import { trap } from "../../component/abi/context.ts";

/** A resource whose children a guest must drop first. */
export interface Parent {
  /** Children that are alive. */
  children: number;
}

/** Traps if a child of a resource that ends is alive. */
export function requireNoChildren(parent: Parent): void {
  if (parent.children > 0) throw trap("a resource ends before its children");
}
