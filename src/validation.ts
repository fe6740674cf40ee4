import { BadRequestException, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';

/** Refuses bodies that do not match a request's class, also by unknown keys. Answers never repeat what was sent. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    exceptionFactory: (errors) => new BadRequestException(errors.flatMap(messagesOf).slice(0, 10)),
  });
}

function messagesOf({ constraints = {} }: ValidationError): string[] {
  if ('whitelistValidation' in constraints) return ['the body has an unknown key'];
  return Object.values(constraints);
}
