namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>How a run ended.</summary>
/// <param name="Steps">Steps made, those before a resume included.</param>
/// <param name="Accuracy">Share of held-out tasks that are right with the weights it ended with; null without held-out tasks.</param>
/// <param name="BestStep">Step of the evaluation whose weights it ended with; null when those are the last.</param>
/// <param name="Seconds">Since the run was begun or resumed, evaluations included.</param>
/// <param name="TokensDrawn">Tokens of all attempts since then.</param>
/// <param name="Flops">Floating-point operations since then that the model itself asks for.</param>
public sealed record ReinforcementResult(int Steps, double? Accuracy, int? BestStep, double Seconds, long TokensDrawn, double Flops);
