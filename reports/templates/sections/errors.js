// The body that turns: WebGL where there is some, else its still pictures stay.

/** What the viewer shows, for the address. @returns {Part[]} */
function viewerParts() {
  const box = document.querySelector("[data-viewer-box]");
  const island = document.querySelector("[data-viewer-data]");
  if (!box || !island) return [];
  const data = JSON.parse(island.textContent);
  const picks = Object.fromEntries([...box.querySelectorAll("[data-pick]")].map((p) => [p.dataset.pick, p]));
  const keys = { row: data.rows, benchmark: data.benchmarks, alignment: data.alignments };
  const show = viewerOf(box, data, picks);
  const chosen = () => Object.keys(keys).map((key) => Number(picks[key].value));
  const update = () => {
    show(chosen());
    jointTable(data, chosen());
  };
  Object.values(picks).forEach((pick) =>
    pick.addEventListener("change", () => {
      update();
      announce();
    }),
  );
  update();
  const read = (values) => {
    for (const key of Object.keys(keys)) picks[key].value = String(Math.max(0, keys[key].indexOf(values.get(`view-${key}`))));
    update();
  };
  const write = (values) => {
    for (const key of Object.keys(keys)) {
      if (Number(picks[key].value)) values.set(`view-${key}`, keys[key][Number(picks[key].value)]);
    }
  };
  return [{ name: "viewer", read, write }];
}

/** The numbers of the table of joints are those of the row that is painted. */
function jointTable(data, [row, , alignment]) {
  const columns = data.benchmarks.map((_, place) => data.maps[`${row}/${place}/${alignment}`]?.joints ?? []);
  const highest = columns.map((column) => Math.max(...column.filter((v) => v !== null), 1));
  document.querySelectorAll("[data-joint]").forEach((line) => {
    [...line.cells].slice(1).forEach((cell, place) => {
      const value = columns[place][Number(line.dataset.joint)] ?? null;
      cell.textContent = value === null ? "–" : value.toFixed(1);
      const share = value === null ? 0 : Math.round((40 * value) / highest[place]);
      cell.style.background = `color-mix(in srgb, var(--warn) ${share}%, transparent)`;
    });
  });
  const words = document.querySelector("[data-joint-words]");
  const when = alignment ? "after" : "before";
  words.textContent = `Mean error [mm] of ${data.rows[row]} ${when} alignment, the row that is painted; the darker a number's ground, the larger it is in its column.`;
}

/** @returns {(chosen: number[]) => void} paints a row, a benchmark and an alignment */
function viewerOf(box, data, picks) {
  const canvas = box.querySelector("[data-viewer]");
  const gl = canvas.getContext("webgl", { antialias: true });
  if (!gl) return () => {};
  box.hidden = false;
  const scene = sceneOf(gl, data);
  const view = { turn: 0, tilt: 0, zoom: 1 };
  let asked = false;
  const draw = () => {
    asked = false;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    scene.draw(view, canvas.width, canvas.height);
    canvas.dataset.ready = "true";
  };
  const ask = () => {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  };
  wireView(box, canvas, view, ask);
  new ResizeObserver(ask).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ask);
  return (chosen) => {
    const map = data.maps[chosen.join("/")];
    scene.paint(map);
    describe(box, data, chosen, map, picks);
    ask();
  };
}

/** The words below the body. */
function describe(box, data, [row, benchmark], map, picks) {
  const words = box.querySelector("[data-words]");
  box.querySelector("[data-top]").textContent = map ? `${map.scale} mm and more` : "";
  if (!map) {
    words.textContent = `${data.rows[row]} has no errors by point on ${data.benchmarks[benchmark]}.`;
    return;
  }
  const when = picks.alignment.selectedOptions[0].textContent;
  const worst = map.joints.reduce((best, value, place) => (value > (map.joints[best] ?? -1) ? place : best), 0);
  const name = data.joints[worst].replaceAll("_", " ");
  words.textContent = `${data.rows[row]} on ${data.benchmarks[benchmark]}, ${when}: mean ${map.mean} mm over all ${map.what}, highest at ${name} with ${map.joints[worst]} mm.${map.what === "joints" ? " Only joints are compared there: between them the colours are blends; grey is not compared." : ""}`;
}

/** Mouse, touch, keys and buttons. */
function wireView(box, canvas, view, ask) {
  const turnBy = (turn, tilt) => {
    view.turn += turn;
    view.tilt = Math.max(-85, Math.min(85, view.tilt + tilt));
    ask();
  };
  const zoomBy = (factor) => {
    view.zoom = Math.max(0.6, Math.min(6, view.zoom * factor));
    ask();
  };
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    last = event;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last) turnBy((event.clientX - last.clientX) / 2, (event.clientY - last.clientY) / 2);
    if (last) last = event;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas) return; // else the page could not be scrolled past it
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });
  const steps = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };
  canvas.addEventListener("keydown", (event) => {
    if (steps[event.key]) turnBy(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") zoomBy(1.2);
    else if (event.key === "-") zoomBy(1 / 1.2);
    else return;
    event.preventDefault();
  });
  box.querySelectorAll("[data-turn]").forEach((button) => button.addEventListener("click", () => {
    view.turn = Number(button.dataset.turn);
    view.tilt = Number(button.dataset.tilt);
    ask();
  }));
  box.querySelectorAll("[data-zoom]").forEach((b) => b.addEventListener("click", () => zoomBy(Number(b.dataset.zoom))));
}

/** Arrays from base64. */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Mesh, normals and shaders on the GPU. */
function sceneOf(gl, data) {
  const stored = new Int16Array(bytesOf(data.mesh.vertices).buffer);
  const points = Float32Array.from(stored, (v) => (v / 32767) * data.mesh.extent);
  const faces = new (data.mesh.wide ? Uint32Array : Uint16Array)(bytesOf(data.mesh.faces).buffer);
  if (data.mesh.wide) gl.getExtension("OES_element_index_uint");
  const program = programOf(gl);
  const place = (name) => gl.getUniformLocation(program, name);
  const fill = (name, values, size) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    const at = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, gl.FLOAT, false, 0, 0);
  };
  fill("point", points, 3);
  fill("normal", normalsOf(points, faces), 3);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, faces, gl.STATIC_DRAW);
  const stops = data.colours.flatMap((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16) / 255));
  gl.uniform3fv(place("stops"), new Float32Array(stops));
  gl.enable(gl.DEPTH_TEST);
  const tall = data.mesh.extent * 1.06;
  return {
    paint(map) {
      const stored = map ? bytesOf(map.data) : new Uint8Array(points.length / 3).fill(255);
      fill("error", Float32Array.from(stored, (v) => (v === 255 ? -1 : ((v / 254) * map.top) / map.scale)), 1);
    },
    draw(view, width, height) {
      const [a, b] = [(view.turn * Math.PI) / 180, (view.tilt * Math.PI) / 180];
      const [s, c, t, u] = [Math.sin(a), Math.cos(a), Math.sin(b), Math.cos(b)];
      gl.viewport(0, 0, width, height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.uniformMatrix3fv(place("turned"), false, [c, t * s, -u * s, 0, u, t, s, -t * c, u * c]);
      const size = (view.zoom / tall) * Math.min(1, width / height / 0.6);
      gl.uniform2f(place("size"), (size * height) / width, size);
      gl.drawElements(gl.TRIANGLES, faces.length, data.mesh.wide ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT, 0);
    },
  };
}

/** Unit normals of the vertices, weighted by the faces' area. */
function normalsOf(points, faces) {
  const found = new Float32Array(points.length);
  for (let f = 0; f < faces.length; f += 3) {
    const [i, j, k] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
    const e = [0, 1, 2].map((x) => points[j + x] - points[i + x]);
    const g = [0, 1, 2].map((x) => points[k + x] - points[i + x]);
    const across = [e[1] * g[2] - e[2] * g[1], e[2] * g[0] - e[0] * g[2], e[0] * g[1] - e[1] * g[0]];
    for (const corner of [i, j, k]) for (let x = 0; x < 3; x++) found[corner + x] += across[x];
  }
  for (let i = 0; i < found.length; i += 3) {
    const length = Math.hypot(found[i], found[i + 1], found[i + 2]) || 1;
    for (let x = 0; x < 3; x++) found[i + x] /= length;
  }
  return found;
}

function programOf(gl) {
  const vertex = `
    attribute vec3 point, normal; attribute float error; uniform mat3 turned; uniform vec2 size;
    varying float light, amount;
    void main() {
      vec3 seen = turned * point;
      light = 0.72 + 0.28 * max(0.0, (turned * normal).z);
      amount = error;
      gl_Position = vec4(seen.xy * size, -seen.z * 0.3, 1.0);
    }`;
  const fragment = `
    precision mediump float; uniform vec3 stops[6]; varying float light, amount;
    void main() {
      float at = clamp(amount, 0.0, 1.0) * 5.0;
      vec3 colour = stops[0];
      for (int i = 0; i < 5; i++) colour = mix(colour, stops[i + 1], clamp(at - float(i), 0.0, 1.0));
      gl_FragColor = vec4((amount < -0.01 ? vec3(0.63, 0.65, 0.67) : colour) * light, 1.0);
    }`;
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  return program;
}
