// Uses the generated types as somebody would: `node smoke.js ADDRESS EMAIL PASSWORD`.
// tests/clients/test_typescript_client.py generates them, compiles this file with them, and runs it.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./ledgerpress.js";

type Api = Client<paths>;
type Problem = components["schemas"]["Problem"];

declare const process: { argv: string[] };

function equal<T>(found: T, expected: T, what: string): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${what}: ${JSON.stringify(found)} is not ${JSON.stringify(expected)}`);
  }
}

function given<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}

function sayOf(problem: Problem | undefined): [number | undefined, string | undefined] {
  return [problem?.status, problem?.error];
}

async function signedIn(baseUrl: string, email: string, password: string): Promise<Api> {
  const anybody = createClient<paths>({ baseUrl });
  const wrong = await anybody.POST("/login", { body: { email, password: "wrong-password" } });
  const { data } = await anybody.POST("/login", { body: { email, password } });

  equal(sayOf(wrong.error), [401, "invalid_credentials"], "a wrong password");
  const headers = { Authorization: `Bearer ${given(data, "tokens").token}` };
  return createClient<paths>({ baseUrl, headers });
}

async function writeAndRead(api: Api): Promise<void> {
  const draft = { title: "Tea", content: "How to make tea.", category: "tech" } as const;
  const once = { params: { header: { "Idempotency-Key": '"once"' } }, body: draft };
  const created = await api.POST("/posts", once);
  const again = await api.POST("/posts", once);
  const post = given(created.data, "the post");
  equal(created.response.status, 201, "creating");
  equal(again.data?.id, post.id, "creating it again with the same key");

  const tag = given(created.response.headers.get("ETag"), "ETag");
  const path = { post_id: post.id };
  const read = await api.GET("/posts/{post_id}", { params: { path } });
  const same = await api.GET("/posts/{post_id}", {
    params: { path, header: { "If-None-Match": tag } },
  });
  equal(read.data, post, "what is read");
  equal(same.response.status, 304, "reading what is known");

  const change = {
    params: { path, header: { "If-Match": tag } },
    body: { title: "Green tea", coverImage: null },
  };
  const edited = await api.PATCH("/posts/{post_id}", change);
  const stale = await api.PATCH("/posts/{post_id}", change);
  equal([edited.data?.title, edited.data?.version], ["Green tea", 2], "what was edited");
  equal(sayOf(stale.error), [412, "stale_version"], "editing an old version");
  equal(stale.error?.currentTag, edited.response.headers.get("ETag") ?? "", "the current tag");

  const blank = await api.POST("/posts", { body: { ...draft, title: " " } });
  equal(sayOf(blank.error), [422, "title_blank"], "a blank title");
}

async function walkThroughPages(api: Api): Promise<void> {
  const titles = ["One", "Two", "Three"];
  for (const title of titles) {
    const { data } = await api.POST("/posts", {
      body: { title, content: title, category: "business" },
    });
    const path = { post_id: given(data, "the post").id };
    const { response } = await api.POST("/posts/{post_id}/publish", { params: { path } });
    equal(response.status, 200, "publishing");
  }
  const first = given((await api.GET("/posts", { params: { query: { limit: 2 } } })).data, "a page");
  const cursor = given(first.nextCursor, "the cursor");
  const query = { limit: 2, cursor };
  const second = given((await api.GET("/posts", { params: { query } })).data, "a page");
  const seen = [...first.items, ...second.items].map((post) => post.title);

  equal(seen.sort(), titles.sort(), "the titles on both pages");
  equal(second.nextCursor, null, "the cursor of the last page");
}

async function uploadAndExport(api: Api): Promise<void> {
  const pdf = new Blob(["%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"], { type: "application/pdf" });
  const uploaded = await api.POST("/upload", {
    // Files are text to the generated types: the form is made by hand.
    body: { file: "" },
    bodySerializer: () => {
      const form = new FormData();
      form.set("file", pdf, "tea.pdf");
      return form;
    },
  });
  const path = { file_id: given(uploaded.data, "the file").id };
  const part = await api.GET("/files/{file_id}", {
    params: { path, header: { Range: "bytes=0-3" } },
    parseAs: "text",
  });
  equal([part.response.status, part.data], [206, "%PDF"], "a range of the file");

  const asked = await api.POST("/exports", {});
  const job = given(asked.data, "the job");
  equal([asked.response.status, job.status], [202, "queued"], "asking for an export");
  const found = await api.GET("/exports/{export_id}", { params: { path: { export_id: job.jobId } } });
  equal(found.data?.status, "queued", "the export");
}

const [address, email, password] = process.argv.slice(2);
const api = await signedIn(
  given(address, "the address"),
  given(email, "the email"),
  given(password, "the password"),
);
await writeAndRead(api);
await walkThroughPages(api);
await uploadAndExport(api);
