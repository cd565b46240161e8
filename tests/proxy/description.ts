/** The configuration file in the documentation of 0.1.3. */
export const config = `hello:
  default:
    - http://localhost:9091
    - http://localhost:7071
hey:
  default:
    - http://localhost:9092
hola:
  default:
    - http://localhost:9093
  orange:
    - http://localhost:6061
  yellow:
    - http://localhost:6062
`;
/** The response of `list` for it. */
export const fromConfig = {
  hello: { default: ["http://localhost:9091", "http://localhost:7071"] },
  hey: { default: ["http://localhost:9092"] },
  hola: {
    default: ["http://localhost:9093"],
    orange: ["http://localhost:6061"],
    yellow: ["http://localhost:6062"],
  },
};
