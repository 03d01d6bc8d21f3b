// Runs the AI SDK as an application does, with a model that answers from a script, and exports its spans by OpenTelemetry's own exporter.
// Usage: node agent.mjs URL-OF-THE-SERVER generate|stream
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { MockLanguageModelV2, simulateReadableStream } from "ai/test";
import { z } from "zod";

const [url, way] = process.argv.slice(2);
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "web" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }))],
});
provider.register();

const usages = [
  { inputTokens: 100, outputTokens: 15, totalTokens: 115 },
  { inputTokens: 130, outputTokens: 25, totalTokens: 155 },
];
const call = { type: "tool-call", toolCallId: "call-1", toolName: "departures", input: JSON.stringify({ stop: "Majorstuen" }) };
let step = 0;
const model = new MockLanguageModelV2({
  modelId: "mock-model",
  doGenerate: async () => {
    const usage = usages[step];
    return step++ === 0
      ? { content: [call], finishReason: "tool-calls", usage, warnings: [] }
      : { content: [{ type: "text", text: "Line 2 leaves at 14:07." }], finishReason: "stop", usage, warnings: [] };
  },
  doStream: async () => {
    const usage = usages[step];
    const chunks =
      step++ === 0
        ? [call, { type: "finish", finishReason: "tool-calls", usage }]
        : [
            { type: "text-start", id: "1" },
            { type: "text-delta", id: "1", delta: "Line 2 leaves " },
            { type: "text-delta", id: "1", delta: "at 14:07." },
            { type: "text-end", id: "1" },
            { type: "finish", finishReason: "stop", usage },
          ];
    return { stream: simulateReadableStream({ chunks: [{ type: "stream-start", warnings: [] }, ...chunks] }) };
  },
});

const question = {
  model,
  system: "Answer in one line.",
  prompt: "When does the next metro leave from Majorstuen?",
  stopWhen: stepCountIs(3),
  tools: {
    departures: tool({
      description: "The next departures of a stop.",
      inputSchema: z.object({ stop: z.string() }),
      execute: async () => ({ line: 2, next: "14:07" }),
    }),
  },
  experimental_telemetry: { isEnabled: true, functionId: "metro-desk", metadata: { sessionId: "ride-7", userId: "passenger-3" } },
};

if (way === "stream") {
  await streamText(question).consumeStream();
} else {
  await generateText(question);
}

await provider.shutdown();
