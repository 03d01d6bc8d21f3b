// A shop's agent in Semantic Kernel. A few scripted lines stand for the model; any IChatClient takes their place.
// The address of the Lightning server is the first argument; questions come one a line from standard input.
using AgentLightning.Client;
using ChatAgent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;

var builder = Kernel.CreateBuilder();
builder.Services.AddChatClient(new ScriptedChatClient());

// The two lines that capture: every chat client that the kernel has is captured.
builder.Services.AddLightning(options => (options.Endpoint, options.AgentId) = (new Uri(args[0]), "shop"));
builder.Services.UseLightning();

var kernel = builder.Build();
var tracker = kernel.GetRequiredService<AgentTracker>();
while (Console.ReadLine() is { Length: > 0 } question)
{
    var result = await kernel.InvokePromptAsync("{{$question}}", new KernelArguments { ["question"] = question });
    var answer = result.GetValue<ChatResponse>()!;
    Console.WriteLine($"{answer.GetEpisodeId()}\t{answer.Text}");
    tracker.UpdateReward(answer.GetEpisodeId()!, answer.Text.Length > 0 ? 1 : 0, "answered");
}

await kernel.GetRequiredService<LightningClient>().DisposeAsync();
