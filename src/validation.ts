import { BadRequestException, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';

/** Refuses bodies that are not what a request's class says, unknown keys included. What was sent is not repeated. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    exceptionFactory: (errors) => new BadRequestException(errors.flatMap(messagesOf).slice(0, 10)),
  });
}

function messagesOf({ constraints = {} }: ValidationError): string[] {
  if ('whitelistValidation' in constraints) return ['the body has a key that is not known here'];
  return Object.values(constraints);
}
